/* <fs-toast id="toasts">: short messages. Any response may carry HX-Trigger: {"fs:toast": {"text", "kind", "undo_url", "href", "label", "trace"}}. */
import { icon, make } from "./lib/dom.js";
import { text } from "./lib/text.js";

const ICONS = { ok: "circle-check", info: "info-circle", warn: "alert-triangle", error: "alert-circle" };
const STAY = 6000;

/** Show a toast: {text, kind: "ok"|"info"|"warn"|"error", undo_url, href, label, trace}. */
export function toast(message) {
  document.dispatchEvent(new CustomEvent("fs:toast", { detail: message }));
}

class Toasts extends HTMLElement {
  connectedCallback() {
    this.heard = (event) => this.add(event.detail);
    document.addEventListener("fs:toast", this.heard);
    this.addEventListener("click", (event) => this.clicked(event));
    for (const element of this.querySelectorAll("[data-toast]")) this.keep(element);
    this.raise();
  }

  disconnectedCallback() {
    document.removeEventListener("fs:toast", this.heard);
  }

  add({ text: words, value, kind = "ok", undo_url: undo, href, label, trace }) {
    const dismiss = make("button", { type: "button", class: "toast-x", "data-dismiss": true, "aria-label": text("dismiss") }, icon("x", "xs"));
    const element = make("div", { class: `toast toast-${kind}`, "data-toast": true },
      icon(ICONS[kind] ?? ICONS.info),
      make("span", { class: "toast-text" }, words ?? value ?? "", trace ? make("span", { class: "toast-trace" }, `${text("trace")} ${trace}`) : null),
      undo ? make("button", { type: "button", class: "toast-action", "data-undo": undo }, text("undo")) : null,
      href ? make("a", { class: "toast-action", href }, label ?? href) : null,
      dismiss);
    while (this.children.length >= 3) this.firstElementChild.remove();
    this.append(element);
    this.keep(element, kind);
    this.raise();
  }

  /* An error stays until it is dismissed; the others leave, but not while they are pointed at. */
  keep(element, kind = element.classList.contains("toast-error") ? "error" : "ok") {
    if (kind === "error") return;
    let timer = setTimeout(() => element.remove(), STAY);
    element.addEventListener("pointerenter", () => clearTimeout(timer));
    element.addEventListener("focusin", () => clearTimeout(timer));
    element.addEventListener("pointerleave", () => { timer = setTimeout(() => element.remove(), STAY); });
  }

  /* Above an open dialog: the last popover shown lies on top. */
  raise() {
    if (!this.childElementCount || !this.showPopover) return;
    if (this.matches(":popover-open")) this.hidePopover();
    this.showPopover();
  }

  clicked(event) {
    const undo = event.target.closest("[data-undo]");
    if (undo) window.htmx.ajax("POST", undo.dataset.undo, { source: this, target: this, swap: "none" });
    if (undo || event.target.closest("[data-dismiss]")) event.target.closest("[data-toast]").remove();
  }
}

customElements.define("fs-toast", Toasts);
