/* Sentences for the scripts, translated by the server: <meta name="fs-text" content="{...}">. */
const meta = document.querySelector('meta[name="fs-text"]');
const sentences = meta ? JSON.parse(meta.content) : {};

/** The sentence for a key, with {facts} filled in; the key itself when it is missing. */
export function text(key, facts = {}) {
  return (sentences[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => facts[name] ?? whole);
}

/** The CSRF token of the page. */
export function csrf() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}
