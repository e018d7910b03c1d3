// What a person confirms before an order is sent: boxes, reasons, a quantity typed again.

/** Whether a field says what it is there to confirm. The server judges it once more. Pure. */
export function isConfirmed(field) {
  if (field.type === "checkbox") return field.checked;
  if (!field.value.trim()) return false;
  return field.dataset.expected === undefined || Number(field.value.replaceAll(",", "")) === Number(field.dataset.expected);
}

export const isAllConfirmed = (host) => [...host.querySelectorAll("[data-confirm]")].every(isConfirmed);
