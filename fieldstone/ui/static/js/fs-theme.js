/* <fs-theme>: around the profile's form; a change of the fields theme and density shows at once, and the form is sent. */
class Theme extends HTMLElement {
  connectedCallback() {
    this.addEventListener("change", (event) => {
      const { name, value, form } = event.target;
      if (name === "theme" || name === "density") document.documentElement.dataset[name] = value;
      if (name === "theme" || name === "density") form?.requestSubmit();
    });
  }
}

customElements.define("fs-theme", Theme);
