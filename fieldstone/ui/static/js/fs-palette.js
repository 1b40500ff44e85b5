/* <fs-palette data-url>: the command palette. Asks data-url?q= and expects {"results": [{"label", "href", "icon", "kind"}]}. */
import { debounce, icon, make } from "./lib/dom.js";

class Palette extends HTMLElement {
  connectedCallback() {
    this.input = this.querySelector("input");
    this.list = this.querySelector('[role="listbox"]');
    this.ask = debounce(110, () => this.fetch());
    this.input.addEventListener("input", () => this.ask());
    this.input.addEventListener("focus", () => this.ask());
    this.input.addEventListener("keydown", (event) => this.pressed(event));
    this.list.addEventListener("pointermove", (event) => this.choose(event.target.closest('[role="option"]')));
    this.closest("dialog")?.addEventListener("close", () => this.clear());
    if (document.activeElement === this.input) this.ask();
  }

  async fetch() {
    this.running?.abort();
    this.running = new AbortController();
    const url = new URL(this.dataset.url, location.href);
    url.searchParams.set("q", this.input.value.trim());
    try {
      const answer = await fetch(url, { headers: { Accept: "application/json" }, signal: this.running.signal });
      if (answer.ok) this.show((await answer.json()).results ?? []);
    } catch (error) {
      if (error.name !== "AbortError") this.show([]);
    }
  }

  show(results) {
    const options = results.map((result, index) => make("a", { class: "palette-option", role: "option", id: `palette-${index}`, href: result.href, tabindex: "-1", "aria-selected": "false" },
      icon(result.icon || "arrow-right"), make("span", {}, result.label), make("span", { class: "palette-kind" }, result.kind ?? "")));
    const none = make("p", { class: "palette-none" }, this.input.value.trim() ? this.dataset.none : this.dataset.hint);
    this.list.replaceChildren(...(options.length ? options : [none]));
    this.choose(options[0]);
  }

  choose(option) {
    if (!option) {
      this.input.removeAttribute("aria-activedescendant");
      return;
    }
    this.list.querySelector('[aria-selected="true"]')?.setAttribute("aria-selected", "false");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", option.id);
  }

  pressed(event) {
    const options = [...this.list.querySelectorAll('[role="option"]')];
    const here = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown") this.choose(options[(here + 1) % options.length]);
    else if (event.key === "ArrowUp") this.choose(options.at(here - 1));
    else if (event.key === "Enter") options[here]?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, ctrlKey: event.ctrlKey, metaKey: event.metaKey }));
    else if (event.key === "Escape") this.closest("dialog")?.close();
    else return;
    event.preventDefault();
  }

  clear() {
    this.input.value = "";
    this.list.replaceChildren();
  }
}

customElements.define("fs-palette", Palette);
