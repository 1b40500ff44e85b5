/* <fs-sort>: an order that people can change, by dragging [data-handle] or with the buttons [data-move="up"|"down"] of each [data-item]
   (data-label names it). The order is the DOM order, so inputs inside the items send it; "fs:sorted" tells about a change. */
import { script } from "./lib/dom.js";
import { text } from "./lib/text.js";
import { toast } from "./fs-toast.js";

class Sort extends HTMLElement {
  async connectedCallback() {
    this.addEventListener("click", (event) => {
      const button = event.target.closest("[data-move]");
      if (button) this.move(button.closest("[data-item]"), button);
    });
    await script("vendor/sortablejs/Sortable.min.js");
    if (this.isConnected) this.drag = window.Sortable.create(this.list, { handle: "[data-handle]", draggable: "[data-item]", animation: 120, onEnd: () => this.tell() });
  }

  disconnectedCallback() {
    this.drag?.destroy();
  }

  get list() {
    return this.querySelector("[data-list]") ?? this;
  }

  move(item, button) {
    const up = button.dataset.move === "up";
    const neighbour = up ? item.previousElementSibling : item.nextElementSibling;
    if (!neighbour?.matches("[data-item]")) return;
    up ? neighbour.before(item) : neighbour.after(item);
    button.focus();
    const items = [...this.list.querySelectorAll(":scope > [data-item]")];
    toast({ kind: "info", text: text("moved", { label: item.dataset.label ?? "", n: items.indexOf(item) + 1, all: items.length }) });
    this.tell();
  }

  tell() {
    this.closest("form")?.setAttribute("data-dirty", "");
    this.dispatchEvent(new CustomEvent("fs:sorted", { bubbles: true }));
  }
}

customElements.define("fs-sort", Sort);
