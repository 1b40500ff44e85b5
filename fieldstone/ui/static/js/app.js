/* The one script of every page. Loads what every page needs at once, and an fs-* element's module only where the element stands. */
import { glue } from "./lib/requests.js";
import { overlays } from "./lib/overlays.js";
import { menus } from "./lib/menus.js";
import { keys } from "./lib/keys.js";
import { forms } from "./lib/forms.js";
import { rows } from "./lib/rows.js";
import "./fs-toast.js";

const LAZY = [
  "fs-lookup", "fs-signature", "fs-geo", "fs-rows", "fs-select-rows", "fs-theme", "fs-inline-edit", "fs-conditional",
  "fs-markdown", "fs-barcode", "fs-sort", "fs-mention",
];
const wanted = new Set();

/** Import the module of every lazy element below root that is not loaded yet. */
export function load(root) {
  for (const name of LAZY) {
    if (wanted.has(name) || !(root.matches?.(name) || root.querySelector?.(name))) continue;
    wanted.add(name);
    import(`./${name}.js`);
  }
}

glue();
overlays();
menus();
keys();
forms();
rows();
load(document);
document.addEventListener("htmx:after:settle", (event) => load(event.target));
document.addEventListener("fs:added", (event) => load(event.target));
