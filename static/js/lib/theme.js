// Runs in the head before the first paint, so that a light page never flashes dark. Not a module: modules wait.
(() => {
  let theme = null;
  try {
    theme = localStorage.getItem("tranche-theme");
  } catch {
    // Storage may be forbidden; the default theme does.
  }
  document.documentElement.dataset.theme = theme === "light" ? "light" : "dark";
})();
