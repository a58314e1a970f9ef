// The theme takes the focus away from these buttons when they are used: the next Tab would start again
// at the top of the page. Whoever came by keyboard keeps it, also after leaving a drawer with Escape.
(() => {
  const buttons = ".theme-switch-button, .search-button, .primary-toggle, .secondary-toggle";
  let used = null;
  let escape = false;
  const giveBack = () => {
    if (used && document.activeElement === document.body) used.focus();
  };
  const listen = (what, then) => document.addEventListener(what, then, true);
  listen("click", (event) => {
    const button = event.target.closest(buttons);
    if (button && event.detail === 0) {
      used = button;
      setTimeout(giveBack);
    }
  });
  listen("keydown", (event) => { escape = event.key === "Escape"; });
  listen("close", () => { if (escape) setTimeout(giveBack); });
})();
