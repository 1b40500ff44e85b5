/* <fs-barcode data-formats data-aim data-denied>: reads a code with the camera where the browser can (BarcodeDetector); else only typing. */
import { make } from "./lib/dom.js";

class Barcode extends HTMLElement {
  connectedCallback() {
    this.input = this.querySelector("input");
    this.button = this.querySelector("[data-scan]");
    this.note = this.querySelector("[data-scan-note]");
    if (!this.button || !("BarcodeDetector" in window) || !navigator.mediaDevices) return;
    this.button.hidden = false;
    this.button.addEventListener("click", () => this.scan());
  }

  async scan() {
    const video = make("video", { playsinline: true, muted: true });
    const dialog = make("dialog", { class: "dialog", "aria-label": this.dataset.aim }, make("div", { class: "panel" },
      make("div", { class: "panel-head" }, make("h2", {}, this.dataset.aim), make("button", { type: "button", class: "btn btn-ghost", "data-close": true }, "✕")), video));
    let stream = null;
    dialog.addEventListener("close", () => { stream?.getTracks().forEach((track) => track.stop()); dialog.remove(); });
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      this.note.textContent = this.dataset.denied;
      return;
    }
    document.body.append(dialog);
    dialog.showModal();
    video.srcObject = stream;
    await video.play();
    this.look(video, dialog);
  }

  async look(video, dialog) {
    const formats = this.dataset.formats?.split(",").filter(Boolean);
    const detector = new window.BarcodeDetector(formats?.length ? { formats } : undefined);
    while (dialog.open) {
      const [code] = await detector.detect(video).catch(() => []);
      if (code) {
        this.input.value = code.rawValue;
        this.input.dispatchEvent(new Event("change", { bubbles: true }));
        dialog.close();
        this.input.focus();
        return;
      }
      await new Promise((resolve) => { setTimeout(resolve, 150); });
    }
  }
}

customElements.define("fs-barcode", Barcode);
