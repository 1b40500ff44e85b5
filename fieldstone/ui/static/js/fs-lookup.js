/* <fs-lookup data-url data-multiple data-with="field,field">: a <select> with remote search. data-url?q= answers
   {"results": [{"id", "label", "note"}]}; the values of the form fields named in data-with go along. Without data-url it searches its own options. */
import { icon, make, script, stylesheet } from "./lib/dom.js";
import { text } from "./lib/text.js";

class Lookup extends HTMLElement {
  async connectedCallback() {
    const select = this.querySelector("select");
    if (!select || select.tomselect) return;
    stylesheet("css/tom-select.css");
    await script("vendor/tom-select/tom-select.popular.min.js");
    if (this.isConnected && !select.tomselect) this.start(select);
  }

  disconnectedCallback() {
    const select = this.querySelector("select");
    queueMicrotask(() => { if (!this.isConnected) select?.tomselect?.destroy(); });
  }

  start(select) {
    const remote = Boolean(this.dataset.url);
    const multiple = select.multiple;
    const described = select.getAttribute("aria-describedby");
    const invalid = select.getAttribute("aria-invalid");
    const picker = new window.TomSelect(select, {
      valueField: remote ? "id" : "value", labelField: remote ? "label" : "text", searchField: remote ? [] : ["text"],
      plugins: select.required || (!multiple && select.getAttribute("aria-required")) ? [] : { remove_button: { title: this.dataset.remove, label: "×" } },
      placeholder: this.dataset.placeholder, hidePlaceholder: false, maxOptions: 60, preload: remote ? "focus" : false,
      allowEmptyOption: false, openOnFocus: true, closeAfterSelect: !multiple, refreshThrottle: 0, loadThrottle: 180,
      ...(remote ? { load: (query, done) => this.fetch(query, done), score: () => () => 1, shouldLoad: () => true } : {}),
      render: {
        option: (item) => make("div", { class: "option" }, item.label ?? item.text, item.note ? make("small", {}, item.note) : null),
        item: (item) => make("div", { class: "item" }, item.label ?? item.text),
        no_results: () => make("div", { class: "no-results" }, this.dataset.none || "–"),
        loading: () => make("div", { class: "spinner" }, "…"),
      },
    });
    const close = make("button", { type: "button", class: "btn btn-ghost ts-close", "aria-label": text("cancel") }, icon("x"));
    close.addEventListener("click", () => picker.blur());
    picker.wrapper.append(close);
    select.setAttribute("aria-hidden", "true");
    if (described) picker.control_input.setAttribute("aria-describedby", described);
    if (invalid) picker.control_input.setAttribute("aria-invalid", invalid);
    if (remote) picker.on("type", () => picker.clearOptions((option) => picker.items.includes(String(option.id))));
  }

  async fetch(query, done) {
    const url = new URL(this.dataset.url, location.href);
    url.searchParams.set("q", query);
    const form = this.closest("form");
    for (const name of (this.dataset.with ?? "").split(",").filter(Boolean)) {
      const value = form && new FormData(form).get(name);
      if (value) url.searchParams.set(name, value);
    }
    try {
      const answer = await fetch(url, { headers: { Accept: "application/json" } });
      done(answer.ok ? (await answer.json()).results : []);
    } catch {
      done([]);
    }
  }
}

customElements.define("fs-lookup", Lookup);
