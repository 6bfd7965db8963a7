// Keep the focus near: when what has it goes, such as a form that was sent, the focus goes to the heading of its panel,
// or to the status of an element with the class `keeps-focus`.

interface Place { element: Element; panel: Element | null }

let last: Place | null = null;

/** Begin to watch the page. Without it, keyboard and screen reader would begin at the top of the page again. */
export function keepFocus(app: Element): void {
  document.addEventListener("focusin", ({ target }) => { last = target instanceof Element ? { element: target, panel: target.closest(".panel, .keeps-focus") } : null; });
  document.addEventListener("pointerdown", ({ target }) => { if (!last?.element.contains(target as Node)) last = null; }); // the reader leaves it
  new MutationObserver(look).observe(app, { childList: true, subtree: true });
}

function look(): void {
  if (!last || last.element.isConnected) return;
  const { panel } = last;
  last = null;
  if (document.activeElement !== document.body && document.activeElement !== null) return;
  const near = panel?.isConnected ? panel.querySelector<HTMLElement>("h2, [role=status]") : document.getElementById("main");
  near?.focus({ preventScroll: true });
}
