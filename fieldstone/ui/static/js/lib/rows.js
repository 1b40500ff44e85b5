/* Rows of a list: a click anywhere opens the record, the arrow keys go from row to row. */
import { typing } from "./dom.js";

const OWN = "a, button, input, select, textarea, label, summary, form, [popover], .col-check";

export function rows() {
  const fit = new ResizeObserver((entries) => entries.forEach(({ target }) => widen(target)));
  const watch = (root) => root.querySelectorAll?.(".table-box:not(.table-scroll)").forEach((box) => fit.observe(box));
  watch(document);
  document.addEventListener("htmx:after:settle", (event) => watch(event.target));
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

/* A table that does not fit scrolls in its own box, which can then be focused and scrolled with the keyboard. */
function widen(box) {
  const table = box.firstElementChild;
  const wide = table.scrollWidth > box.clientWidth + 1;
  if (wide === box.classList.contains("wide")) return;
  box.classList.toggle("wide", wide);
  wide ? box.setAttribute("tabindex", "0") : box.removeAttribute("tabindex");
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
