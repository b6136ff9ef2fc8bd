/** Registers both elements. */
import "./define-call-button.js";
import "./define-web-phone.js";
