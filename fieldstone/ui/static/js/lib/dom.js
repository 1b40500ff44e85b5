/* Building elements without markup strings, and finding our own files. */
const SPRITE = new URL("../../vendor/tabler/icons.svg", import.meta.url).pathname;
const SVG = "http://www.w3.org/2000/svg";

/** URL of a file below static/, with the version prefix this module was loaded with. */
export function asset(path) {
  return new URL(`../../${path}`, import.meta.url).href;
}

/** make("a", {class: "x", href: "/"}, "text", otherNode): attributes that are null or false are left out. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** An icon of the sprite. */
export function icon(name, size = "s") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `icon icon-${size}`);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${SPRITE}#i-${name}`);
  svg.append(use);
  return svg;
}

/** Load a classic script of static/ once; resolves when it has run. */
const scripts = new Map();
export function script(path) {
  if (!scripts.has(path)) {
    scripts.set(path, new Promise((resolve, reject) => {
      const element = make("script", { src: asset(path) });
      element.addEventListener("load", resolve);
      element.addEventListener("error", reject);
      document.head.append(element);
    }));
  }
  return scripts.get(path);
}

/** Link a stylesheet of static/ once. */
export function stylesheet(path) {
  const href = asset(path);
  if (![...document.styleSheets].some((sheet) => sheet.href === href)) {
    document.head.append(make("link", { rel: "stylesheet", href }));
  }
}

/** True while the person types: single-key shortcuts stay quiet. */
export function typing(target) {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;
}

export function debounce(wait, action) {
  let timer = 0;
  const later = (...args) => {
    clearTimeout(timer);
    timer = setTimeout(action, wait, ...args);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}
