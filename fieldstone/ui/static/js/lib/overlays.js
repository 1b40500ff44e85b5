/* Dialogs and drawers: a fragment swapped into #dialog or #drawer opens it; closing empties it. */
import { make } from "./dom.js";
import { text } from "./text.js";

const FIELDS = "input:not([type=hidden]):not([disabled]), select:not([disabled]), textarea:not([disabled])";

export function overlays() {
  document.addEventListener("htmx:after:settle", (event) => {
    if (event.target instanceof HTMLDialogElement) follow(event.target);
    event.target.querySelector?.("[data-focus]")?.focus();
  });
  document.addEventListener("click", clicked);
  document.addEventListener("cancel", guard, true);
  document.addEventListener("close", (event) => {
    if (["dialog", "drawer"].includes(event.target.id)) event.target.replaceChildren();
  }, true);
  document.addEventListener("fs:close", (event) => {
    const open = event.target.closest?.("dialog[open]") ?? [...document.querySelectorAll("dialog[open]")].at(-1);
    open?.close();
  });
}

/** Show a dialog and put the focus on its first field, else on its main button. */
export function show(dialog) {
  if (!dialog.open) dialog.showModal();
  const body = dialog.querySelector(".panel-body");
  const first = dialog.querySelector("[data-focus], [autofocus]") ?? body?.querySelector(FIELDS)
    ?? dialog.querySelector(".panel-foot .btn-primary, .panel-foot .btn");
  (first ?? body)?.focus();
}

/** Ask once more; resolves to true or false. */
export function confirmed(question) {
  return new Promise((resolve) => {
    const yes = make("button", { type: "button", class: "btn btn-primary" }, text("ok"));
    const no = make("button", { type: "button", class: "btn", "data-close": true }, text("cancel"));
    const dialog = make("dialog", { class: "dialog", "aria-label": text("confirm") },
      make("div", { class: "panel panel-plain dialog-small" },
        make("div", { class: "panel-head" }, make("h2", {}, text("confirm"))),
        make("div", { class: "panel-body" }, make("p", {}, question)),
        make("div", { class: "panel-foot" }, no, yes)));
    let answer = false;
    yes.addEventListener("click", () => { answer = true; dialog.close(); });
    dialog.addEventListener("close", () => { dialog.remove(); resolve(answer); });
    document.body.append(dialog);
    dialog.showModal();
    yes.focus();
  });
}

function follow(dialog) {
  if (dialog.childElementCount) show(dialog);
  else if (dialog.open) dialog.close();
}

async function clicked(event) {
  if (!(event.target instanceof Element)) return;
  const dialog = event.target.closest("dialog");
  if (!dialog) return;
  const byButton = event.target.closest("[data-close]");
  const onBackdrop = event.target === dialog && event.detail > 0;
  if (!byButton && !onBackdrop) return;
  if (onBackdrop && dirty(dialog) && !(await confirmed(text("leave")))) return;
  dialog.close();
}

/* Escape in a dialog with unsaved input asks first. */
async function guard(event) {
  const dialog = event.target;
  if (!(dialog instanceof HTMLDialogElement) || !dirty(dialog)) return;
  event.preventDefault();
  if (await confirmed(text("leave"))) dialog.close();
}

function dirty(dialog) {
  return dialog.querySelector("form[data-dirty]") !== null;
}
