/* Popover menus: placed at their button, closed by a choice, walked with the arrow keys. Opening and dismissing is the browser's. */
const GAP = 4;
let invoker = null;

export function menus() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[popovertarget]");
    if (button) invoker = button;
    const item = event.target.closest?.(".menu-item");
    if (item && !item.hasAttribute("data-keep")) item.closest("[popover]")?.hidePopover();
  }, true);
  document.addEventListener("toggle", (event) => {
    const menu = event.target;
    if (!(menu instanceof HTMLElement) || !menu.hasAttribute("data-menu")) return;
    const button = event.source ?? invoker ?? document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`);
    button?.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState === "open" && button) place(menu, button);
  }, true);
  document.addEventListener("keydown", walk);
  window.addEventListener("scroll", closeMoved, { capture: true, passive: true });
  window.addEventListener("resize", () => document.querySelectorAll("[data-menu]:popover-open").forEach((menu) => menu.hidePopover()));
}

function place(menu, button) {
  const at = button.getBoundingClientRect();
  const size = menu.getBoundingClientRect();
  const room = { width: document.documentElement.clientWidth, height: window.innerHeight };
  const alignEnd = at.left + size.width > room.width - 8;
  const left = alignEnd ? at.right - size.width : at.left;
  const below = at.bottom + GAP + size.height <= room.height - 8 || at.top < size.height;
  menu.style.left = `${Math.max(8, Math.min(left, room.width - size.width - 8))}px`;
  menu.style.top = `${below ? at.bottom + GAP : at.top - GAP - size.height}px`;
}

function walk(event) {
  if (!["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
  const button = event.target.closest?.("[popovertarget]");
  const menu = event.target.closest?.("[data-menu]") ?? (button && document.getElementById(button.getAttribute("popovertarget")));
  if (!menu?.hasAttribute("data-menu")) return;
  event.preventDefault();
  if (!menu.matches(":popover-open")) {
    invoker = button;
    menu.showPopover();
  }
  const items = [...menu.querySelectorAll(".menu-item:not(:disabled), .app-tile")];
  const here = items.indexOf(document.activeElement);
  const next = { ArrowDown: here + 1, ArrowUp: here < 0 ? -1 : here - 1, Home: 0, End: -1 }[event.key];
  items.at(next % items.length)?.focus();
}

function closeMoved(event) {
  for (const menu of document.querySelectorAll("[data-menu]:popover-open")) {
    if (!menu.contains(event.target)) menu.hidePopover();
  }
}
