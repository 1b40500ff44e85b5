/* <fs-inline-edit>: values that are edited where they stand. Everything inside with data-edit="url" can be: double click, its pencil,
   or F2 loads the editor (forms.inline_form) from url; Enter saves, Esc puts the value back, Tab saves and goes to the next. */
class InlineEdit extends HTMLElement {
  connectedCallback() {
    this.addEventListener("dblclick", (event) => this.start(event.target.closest("[data-edit]"), event));
    this.addEventListener("click", (event) => this.clicked(event));
    this.addEventListener("keydown", (event) => this.pressed(event));
    this.heard = () => this.swapped();
    document.addEventListener("htmx:after:swap", this.heard);
  }

  disconnectedCallback() {
    document.removeEventListener("htmx:after:swap", this.heard);
  }

  clicked(event) {
    const pencil = event.target.closest(".editable-btn");
    if (pencil) this.start(pencil.closest("[data-edit]"), event);
    else if (event.target.closest("[data-inline-cancel]")) this.cancel();
  }

  start(place, event) {
    if (!place || place.querySelector("form[data-inline]")) return;
    event?.preventDefault();
    getSelection()?.empty();
    this.cancel();
    this.place = place;
    this.before = [...place.childNodes];
    window.htmx.ajax("GET", place.dataset.edit, { source: place, target: place, swap: "innerHTML" });
  }

  cancel() {
    if (!this.place?.isConnected || !this.place.querySelector("form[data-inline]")) return;
    this.place.replaceChildren(...this.before);
    this.place.querySelector(".editable-btn")?.focus();
    this.place = null;
  }

  pressed(event) {
    const form = event.target.closest("form[data-inline]");
    if (!form) {
      const place = event.target.closest("[data-edit]") ?? event.target.closest("tr")?.querySelector("[data-edit]");
      if (event.key === "F2") this.start(place, event);
      return;
    }
    if (event.target.closest(".dropdown-active")) return;
    if (event.key === "Escape") this.take(event, () => this.cancel());
    else if (event.key === "Enter" && !(event.target instanceof HTMLTextAreaElement) && event.target.type !== "button") this.take(event, () => form.requestSubmit());
    else if (event.key === "Tab" && event.target.matches("input, select, textarea")) this.take(event, () => this.saveAndMove(form, event.shiftKey ? -1 : 1));
  }

  take(event, action) {
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  saveAndMove(form, step) {
    const places = [...this.querySelectorAll("[data-edit]")];
    this.next = places.indexOf(form.closest("[data-edit]")) + step;
    form.requestSubmit();
  }

  /* After the save the place is a new element; after a refusal the editor is still there, and so is the focus. */
  swapped() {
    if (this.next === undefined || this.querySelector("form[data-inline] [aria-invalid]")) {
      this.next = undefined;
      return;
    }
    if (this.querySelector("form[data-inline]")) return;
    const place = [...this.querySelectorAll("[data-edit]")][this.next];
    this.next = undefined;
    this.start(place);
  }
}

customElements.define("fs-inline-edit", InlineEdit);
