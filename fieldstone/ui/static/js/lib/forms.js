/* Forms: unsaved input is not lost by accident, Ctrl+Enter sends a comment, files can be dropped, colours show their code. */
import { text } from "./text.js";

export function forms() {
  document.addEventListener("input", (event) => {
    const form = event.target.form ?? event.target.closest?.("form");
    if (form && form.method === "post" && !form.hasAttribute("data-inline")) form.setAttribute("data-dirty", "");
    if (event.target.type === "color" && event.target.nextElementSibling) event.target.nextElementSibling.textContent = event.target.value;
  });
  document.addEventListener("submit", (event) => event.target.removeAttribute("data-dirty"), true);
  window.addEventListener("beforeunload", (event) => {
    if (document.querySelector("form[data-dirty]:not([data-reset])")) event.preventDefault();
  });
  document.addEventListener("htmx:after:request", (event) => {
    const { sourceElement, response } = event.detail.ctx;
    if (!(sourceElement instanceof HTMLFormElement)) return;
    if (response.status >= 400) sourceElement.setAttribute("data-dirty", "");
    else if (sourceElement.hasAttribute("data-reset")) sourceElement.reset();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target instanceof HTMLTextAreaElement) {
      event.preventDefault();
      event.target.form?.requestSubmit();
    }
  });
  for (const name of ["dragenter", "dragover", "dragleave", "drop"]) document.addEventListener(name, dragged);
  document.addEventListener("change", chosen);
}

function dragged(event) {
  const zone = event.target.closest?.("[data-drop]");
  if (zone) zone.classList.toggle("over", event.type === "dragenter" || event.type === "dragover");
}

function chosen(event) {
  const label = event.target.type === "file" && event.target.closest("[data-drop]")?.querySelector("[data-drop-text]");
  if (!label) return;
  const { files } = event.target;
  label.textContent = files.length === 1 ? files[0].name : text("files", { n: files.length });
}
