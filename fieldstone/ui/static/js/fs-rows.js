/* <fs-rows data-name data-next data-max>: rows of a child table. Adds a copy of its <template> with __row__ replaced, removes rows,
   and tells the form with "fs:rows". */
class Rows extends HTMLElement {
  connectedCallback() {
    this.template = this.querySelector(":scope > template");
    this.body = this.querySelector("[data-rows]");
    this.addEventListener("click", (event) => {
      if (event.target.closest("[data-add]")) this.add();
      else if (event.target.closest("[data-remove]")) this.remove_(event.target.closest("[data-row]"));
    });
    this.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.target.tagName !== "INPUT" || event.target.closest(".ts-wrapper")) return;
      event.preventDefault();
      if (event.target.closest("[data-row]") === this.body.lastElementChild) this.add();
    });
    this.limit();
  }

  add() {
    const max = Number(this.dataset.max || Infinity);
    if (this.body.children.length >= max) return;
    const key = Number(this.dataset.next || 0);
    this.dataset.next = String(key + 1);
    const row = this.template.content.firstElementChild.cloneNode(true);
    for (const element of [row, ...row.querySelectorAll("*")]) {
      for (const attribute of [...element.attributes]) {
        if (attribute.value.includes("__row__")) element.setAttribute(attribute.name, attribute.value.replaceAll("__row__", key));
      }
    }
    for (const hidden of row.querySelectorAll('input[type="hidden"][name$=".rows"]')) hidden.value = key;
    this.body.append(row);
    window.htmx.process(row);
    row.dispatchEvent(new CustomEvent("fs:added", { bubbles: true }));
    row.querySelector("input:not([type=hidden]), select, textarea")?.focus();
    this.tell();
  }

  remove_(row) {
    const neighbour = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    (neighbour?.querySelector("[data-remove]") ?? this.querySelector("[data-add]")).focus();
    this.tell();
  }

  tell() {
    this.limit();
    this.closest("form")?.setAttribute("data-dirty", "");
    this.dispatchEvent(new CustomEvent("fs:rows", { bubbles: true }));
  }

  limit() {
    const button = this.querySelector("[data-add]");
    if (button) button.disabled = this.body.children.length >= Number(this.dataset.max || Infinity);
  }
}

customElements.define("fs-rows", Rows);
