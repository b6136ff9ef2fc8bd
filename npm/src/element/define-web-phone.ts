/** Registers `<web-phone>`, unless the page has one already (a script loaded twice does no harm). */
import { WebPhone } from "./web-phone.js";

if (typeof customElements !== "undefined" && !customElements.get("web-phone")) {
  customElements.define("web-phone", WebPhone);
}

declare global {
  interface HTMLElementTagNameMap {
    "web-phone": WebPhone;
  }
}
