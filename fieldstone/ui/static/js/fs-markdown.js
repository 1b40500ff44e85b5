/* <fs-markdown data-url>: a textarea with a preview. The server renders and cleans the Markdown; we only show its answer. */
import { csrf } from "./lib/text.js";

class Markdown extends HTMLElement {
  connectedCallback() {
    this.area = this.querySelector("textarea");
    this.preview = this.querySelector(".md-preview");
    this.button = this.querySelector("[data-preview]");
    if (this.button) {
      this.button.hidden = !this.dataset.url;
      this.button.addEventListener("click", () => this.toggle());
    }
  }

  async toggle() {
    const open = this.preview.hidden;
    this.button.setAttribute("aria-pressed", String(open));
    this.preview.hidden = !open;
    this.area.hidden = open;
    if (!open) {
      this.area.focus();
      return;
    }
    const answer = await fetch(this.dataset.url, { method: "POST", headers: { "X-CSRFToken": csrf(), "Content-Type": "application/x-www-form-urlencoded" }, body: new URLSearchParams({ text: this.area.value }) });
    if (answer.ok) this.preview.innerHTML = await answer.text();
  }
}

customElements.define("fs-markdown", Markdown);
