/** Registers `<call-button>`, unless the page has one already (a script loaded twice does no harm). */
import { CallButton } from "./call-button.js";

if (typeof customElements !== "undefined" && !customElements.get("call-button")) {
  customElements.define("call-button", CallButton);
}

declare global {
  interface HTMLElementTagNameMap {
    "call-button": CallButton;
  }
}
