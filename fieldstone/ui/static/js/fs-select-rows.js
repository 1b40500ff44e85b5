/* <fs-select-rows>: check boxes of a list and its bulk bar. Shift-click takes a range, X the focused row. Nothing is stored here:
   the checked boxes (name="ids") and the hidden all_matching are the state, and a form or hx-include sends them. */
import { typing } from "./lib/dom.js";

class SelectRows extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => this.clicked(event));
    this.addEventListener("change", (event) => this.changed(event));
    this.addEventListener("keydown", (event) => this.pressed(event));
    this.addEventListener("htmx:after:settle", () => this.update());
    this.update();
  }

  get boxes() {
    return [...this.querySelectorAll('tbody input[name="ids"]')];
  }

  clicked(event) {
    if (event.target.closest("[data-bulk-clear]")) this.all(false);
    else if (event.target.closest("[data-bulk-all]")) this.match(true);
    else if (event.shiftKey && event.target.name === "ids") this.range(event.target);
    if (event.target.name === "ids") this.last = event.target;
  }

  changed(event) {
    if (event.target.matches("[data-select-all]")) this.all(event.target.checked);
    else if (event.target.name === "ids") this.match(false);
  }

  pressed(event) {
    if (event.key.toLowerCase() !== "x" || event.ctrlKey || event.metaKey || typing(event.target)) return;
    const box = event.target.closest("tr")?.querySelector('input[name="ids"]');
    if (!box) return;
    box.checked = !box.checked;
    this.match(false);
  }

  range(box) {
    const { boxes } = this;
    const [from, to] = [boxes.indexOf(this.last ?? box), boxes.indexOf(box)].sort((a, b) => a - b);
    for (const one of boxes.slice(Math.max(from, 0), to + 1)) one.checked = box.checked;
    this.update();
  }

  all(checked) {
    for (const box of this.boxes) box.checked = checked;
    this.match(false);
  }

  match(everything) {
    const flag = this.querySelector("[data-bulk-flag]");
    if (flag) flag.value = String(everything);
    this.update();
  }

  update() {
    const { boxes } = this;
    const n = boxes.filter((box) => box.checked).length;
    const bar = this.querySelector("[data-bulk]");
    const head = this.querySelector("[data-select-all]");
    const all = this.querySelector("[data-bulk-all]");
    const everything = this.querySelector("[data-bulk-flag]")?.value === "true";
    if (head) {
      head.checked = n > 0 && n === boxes.length;
      head.indeterminate = n > 0 && n < boxes.length;
    }
    if (!bar) return;
    bar.hidden = n === 0;
    const label = bar.querySelector("[data-bulk-count]");
    label.textContent = everything ? all.dataset.on : n === 1 ? label.dataset.one : label.dataset.many.replace("{n}", n);
    if (all) all.hidden = everything || n < boxes.length;
  }
}

customElements.define("fs-select-rows", SelectRows);
