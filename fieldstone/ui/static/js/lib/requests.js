/* What every htmx request of ours has in common: the CSRF header, confirmation in a dialog, and words for refusals. */
import { csrf, text } from "./text.js";
import { confirmed } from "./overlays.js";
import { toast } from "../fs-toast.js";

/* Answers with these statuses are content (the form again, the conflict panel); all other refusals are toasts. */
const CONTENT = new Set([402, 406, 408, 409, 411, 412, 422]);

export function glue() {
  document.addEventListener("htmx:config:request", (event) => {
    const { request } = event.detail.ctx;
    if (request.method !== "GET") request.headers["X-CSRFToken"] = csrf();
  });
  document.addEventListener("htmx:confirm", async (event) => {
    event.preventDefault();
    const { ctx, issueRequest, dropRequest } = event.detail;
    (await confirmed(ctx.confirm)) ? issueRequest() : dropRequest();
  });
  document.addEventListener("htmx:response:error", (event) => refused(event.detail.ctx));
  document.addEventListener("htmx:error", (event) => {
    const { ctx, error } = event.detail;
    if (ctx?.request && !ctx.response && error?.name !== "AbortError") toast({ kind: "error", text: text("error_net") });
  });
}

function refused(ctx) {
  const { status, headers } = ctx.response;
  if (CONTENT.has(status) || headers.get("HX-Trigger")?.includes("fs:toast") || headers.get("HX-Redirect")) return;
  const key = `error_${status}`;
  const sentence = text(key) === key ? text(status >= 500 ? "error_5xx" : "error_4xx") : text(key);
  toast({ kind: "error", text: sentence, trace: status >= 500 ? headers.get("X-Request-Id") : "" });
}
