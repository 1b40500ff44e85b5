/* <fs-mention data-url>: around a textarea. After "@" it asks data-url?q= for {"results": [{"id", "label"}]} and offers the people;
   a choice writes "@Name " and adds a hidden input mention=<id> to the form. */
import { debounce, make } from "./lib/dom.js";

class Mention extends HTMLElement {
  connectedCallback() {
    this.area = this.querySelector("textarea");
    this.list = make("div", { class: "mention-list", role: "listbox", id: `${this.area.id}-people`, "aria-label": this.dataset.label, hidden: true });
    this.append(this.list);
    this.area.setAttribute("aria-controls", this.list.id);
    this.area.setAttribute("aria-autocomplete", "list");
    this.ask = debounce(150, () => this.fetch());
    this.area.addEventListener("input", () => this.ask());
    this.area.addEventListener("keydown", (event) => this.pressed(event));
    this.area.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    this.list.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.take(event.target.closest('[role="option"]'));
    });
    this.area.form?.addEventListener("reset", () => this.area.form.querySelectorAll('input[name="mention"]').forEach((input) => input.remove()));
  }

  /* The word being typed behind an "@" at the caret, or null. */
  get word() {
    return this.area.value.slice(0, this.area.selectionStart).match(/(?:^|\s)@([\p{L}\p{N}._-]{0,30})$/u)?.[1] ?? null;
  }

  async fetch() {
    const { word } = this;
    if (word === null) {
      this.close();
      return;
    }
    const url = new URL(this.dataset.url, location.href);
    url.searchParams.set("q", word);
    const answer = await fetch(url, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!answer?.ok || this.word === null) return;
    const people = (await answer.json()).results.slice(0, 6);
    this.list.replaceChildren(...people.map((person, index) => make("div", { class: "menu-item", role: "option", id: `${this.list.id}-${index}`, "data-id": person.id, "aria-selected": String(index === 0) }, person.label)));
    this.list.hidden = people.length === 0;
    this.point();
  }

  point() {
    const chosen = this.list.querySelector('[aria-selected="true"]');
    chosen ? this.area.setAttribute("aria-activedescendant", chosen.id) : this.area.removeAttribute("aria-activedescendant");
  }

  pressed(event) {
    if (this.list.hidden) return;
    const options = [...this.list.children];
    const here = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      options[here]?.setAttribute("aria-selected", "false");
      options.at((here + (event.key === "ArrowDown" ? 1 : -1)) % options.length).setAttribute("aria-selected", "true");
      this.point();
    } else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === "Tab") this.take(options[here]);
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  take(option) {
    if (!option) return;
    const end = this.area.selectionStart;
    this.area.setRangeText(`@${option.textContent} `, end - this.word.length - 1, end, "end");
    this.area.form?.append(make("input", { type: "hidden", name: "mention", value: option.dataset.id }));
    this.close();
    this.area.focus();
  }

  close() {
    this.list.hidden = true;
    this.area.removeAttribute("aria-activedescendant");
  }
}

customElements.define("fs-mention", Mention);
