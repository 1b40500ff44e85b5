/* Rows of a list: a click anywhere opens the record, the arrow keys go from row to row. */
import { typing } from "./dom.js";

const OWN = "a, button, input, select, textarea, label, summary, form, [popover], .col-check";

export function rows() {
  document.addEventListener("click", (event) => {
    const row = event.target.closest?.("tr[data-href]");
    if (!row || event.target.closest(OWN) || event.defaultPrevented || String(getSelection())) return;
    if (event.detail > 1) return;
    follow(row.dataset.href, event, row);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const row = event.target.closest?.("tr[data-href]");
    if (!row || typing(event.target) || event.target.closest("[popover]")) return;
    const next = event.key === "ArrowDown" ? row.nextElementSibling : row.previousElementSibling;
    const link = next?.querySelector("a[href]");
    if (!link) return;
    event.preventDefault();
    link.focus();
    link.scrollIntoView({ block: "nearest" });
  });
}

/* An editable cell waits a moment, so that a double click can edit instead of open. */
function follow(href, event, row) {
  if (event.ctrlKey || event.metaKey) {
    window.open(href, "_blank", "noopener");
    return;
  }
  const open = () => { location.href = href; };
  if (!event.target.closest("[data-edit]")) {
    open();
    return;
  }
  const timer = setTimeout(open, 260);
  row.addEventListener("dblclick", () => clearTimeout(timer), { once: true });
}
