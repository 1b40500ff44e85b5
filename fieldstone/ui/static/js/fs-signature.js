/* <fs-signature>: a canvas to sign on; the hidden input gets a PNG as a data URL. A name can be typed instead of drawn. */
import SignaturePad from "../vendor/signature_pad/signature_pad.min.js";
import { make } from "./lib/dom.js";

class Signature extends HTMLElement {
  connectedCallback() {
    this.box = this.querySelector(".sig-box");
    this.input = this.querySelector('input[type="hidden"]');
    this.querySelector("[data-clear]").addEventListener("click", () => this.clear());
    this.querySelector("[data-type]")?.addEventListener("input", (event) => this.write(event.target.value));
    this.resized = new ResizeObserver(() => this.fit());
    if (this.canvas) this.start();
  }

  disconnectedCallback() {
    this.resized?.disconnect();
    this.pad?.off();
  }

  get canvas() {
    return this.querySelector("canvas");
  }

  start() {
    this.pad = new SignaturePad(this.canvas, { penColor: "#10204a", minWidth: 0.7, maxWidth: 2.2 });
    this.pad.addEventListener("endStroke", () => this.keep());
    this.resized.observe(this.box);
    this.fit();
  }

  /* The drawing buffer follows the size on the screen; what is drawn is drawn again. */
  fit() {
    const { canvas, pad } = this;
    if (!canvas || !pad) return;
    const ratio = Math.max(window.devicePixelRatio || 1, 1);
    const [width, height] = [canvas.offsetWidth * ratio, canvas.offsetHeight * ratio];
    if (!width || (canvas.width === width && canvas.height === height)) return;
    const strokes = pad.toData();
    canvas.width = width;
    canvas.height = height;
    canvas.getContext("2d").scale(ratio, ratio);
    pad.fromData(strokes);
  }

  write(name) {
    if (!this.canvas) this.clear();
    this.pad.clear();
    const pen = this.canvas.getContext("2d");
    pen.fillStyle = "#10204a";
    pen.font = "italic 34px Georgia, 'Times New Roman', serif";
    pen.textAlign = "center";
    pen.fillText(name, this.canvas.offsetWidth / 2, this.canvas.offsetHeight - 48, this.canvas.offsetWidth - 40);
    this.input.value = name ? this.canvas.toDataURL("image/png") : "";
    this.changed();
  }

  keep() {
    this.input.value = this.pad.isEmpty() ? "" : this.pad.toDataURL("image/png");
    this.changed();
  }

  clear() {
    if (!this.canvas) {
      this.box.replaceChildren(make("canvas", { tabindex: "0" }));
      this.start();
    }
    this.pad.clear();
    this.input.value = "";
    this.changed();
  }

  changed() {
    this.input.dispatchEvent(new Event("input", { bubbles: true }));
    this.input.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

customElements.define("fs-signature", Signature);
