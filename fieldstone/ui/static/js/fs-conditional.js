/* <fs-conditional hx-post hx-target hx-trigger="fs:refresh">: inside a form; when a value changes, the form goes to the server, which
   answers with the form's parts as they must look now (visible, required, read-only, options). What is typed meanwhile wins. */
import { debounce } from "./lib/dom.js";

class Conditional extends HTMLElement {
  connectedCallback() {
    this.form = this.closest("form");
    if (!this.form) return;
    this.later = debounce(250, () => this.dispatchEvent(new CustomEvent("fs:refresh")));
    this.changed = (event) => {
      if (!event.isTrusted && event.type === "input") return;
      window.htmx.trigger(this, "htmx:abort");
      this.later();
    };
    this.form.addEventListener("change", this.changed);
    this.form.addEventListener("fs:rows", this.changed);
    this.form.addEventListener("submit", this.later.cancel);
    this.addEventListener("htmx:after:swap", () => this.settle());
  }

  disconnectedCallback() {
    this.form?.removeEventListener("change", this.changed);
    this.form?.removeEventListener("fs:rows", this.changed);
    this.later?.cancel();
  }

  /* Morphing sets attributes; a box or choice the person has touched follows only its property. The server's answer counts. */
  settle() {
    for (const field of this.form.elements) {
      if (field === document.activeElement) continue;
      if (field.type === "checkbox" || field.type === "radio") field.checked = field.defaultChecked;
      else if (field instanceof HTMLSelectElement && !field.closest("fs-lookup")) for (const option of field.options) option.selected = option.defaultSelected;
    }
  }
}

customElements.define("fs-conditional", Conditional);
