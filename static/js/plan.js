// The plan of an order as a line through time.

/** Times and cumulative quantities of a plan. A later plan begins with what was done when it was made. */
export function scheduleLine(slices, total) {
  if (!slices.length) return [];
  const planned = slices.reduce((sum, part) => sum + Number(part.quantity), 0);
  let done = Math.max(0, total - planned);
  const line = [[slices[0].starts_at, done]];
  for (const part of slices) {
    done += Number(part.quantity);
    line.push([part.ends_at, done]);
  }
  return line;
}

/** The height of a line at a time: straight between points, level outside; null without a line. */
export function heightAt(line, time) {
  if (!line.length) return null;
  if (time <= line[0][0]) return line[0][1];
  for (let index = 1; index < line.length; index += 1) {
    const [end, height] = line[index];
    const [start, before] = line[index - 1];
    if (time <= end) return end === start ? height : before + ((height - before) * (time - start)) / (end - start);
  }
  return line[line.length - 1][1];
}
