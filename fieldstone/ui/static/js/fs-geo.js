/* <fs-geo data-denied>: fills latitude and longitude from the device, on request only. */
class Geo extends HTMLElement {
  connectedCallback() {
    this.button = this.querySelector("[data-locate]");
    this.note = this.querySelector("[data-geo-note]");
    if (!this.button) return;
    this.button.hidden = !("geolocation" in navigator);
    this.button.addEventListener("click", () => this.locate());
  }

  locate() {
    this.button.disabled = true;
    navigator.geolocation.getCurrentPosition((position) => this.fill(position.coords), () => this.say(this.dataset.denied),
      { enableHighAccuracy: true, timeout: 15000, maximumAge: 60000 });
  }

  fill({ latitude, longitude, accuracy }) {
    const [lat, lon] = this.querySelectorAll("input");
    lat.value = latitude.toFixed(6);
    lon.value = longitude.toFixed(6);
    for (const input of [lat, lon]) input.dispatchEvent(new Event("change", { bubbles: true }));
    this.say(`± ${Math.round(accuracy)} m`);
  }

  say(words) {
    this.button.disabled = false;
    this.note.textContent = words;
  }
}

customElements.define("fs-geo", Geo);
