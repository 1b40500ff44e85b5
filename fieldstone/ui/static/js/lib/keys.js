/* Shortcuts: Ctrl/Cmd+K the palette, / the list's search, ? the help; an element with data-key="c" is clicked by that key.
   Single keys are off while typing, and altogether with <html data-keys="off">. */
import { typing } from "./dom.js";
import { show } from "./overlays.js";

export function keys() {
  if (/Mac|iPhone|iPad/.test(navigator.platform)) {
    for (const hint of document.querySelectorAll("[data-mac]")) hint.textContent = hint.dataset.mac;
  }
  document.addEventListener("keydown", pressed);
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-palette]")) palette();
    if (event.target.closest?.("[data-shortcuts]")) show(document.getElementById("shortcuts"));
  });
}

function pressed(event) {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    palette();
    return;
  }
  const quiet = event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event.target);
  if (quiet || document.documentElement.dataset.keys === "off" || document.querySelector("dialog[open]")) return;
  if (event.key === "/") answer(event, search);
  else if (event.key === "?") answer(event, () => show(document.getElementById("shortcuts")));
  else if (/^[a-z]$/i.test(event.key)) {
    const target = document.querySelector(`[data-key="${event.key.toLowerCase()}"]`);
    if (target) answer(event, () => target.click());
  }
}

function answer(event, action) {
  event.preventDefault();
  action();
}

function search() {
  const field = document.getElementById("list-search");
  field ? field.focus() : palette();
}

function palette() {
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  import("../fs-palette.js");
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("input").focus();
}
