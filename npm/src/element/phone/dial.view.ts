/** The screen of `<web-phone>` that asks for a number. */
import { h } from "../base.js";
import { caption, control } from "../control.js";
import { icon } from "../icons.js";
import { keypad, nameKeypad } from "../keypad.js";
import type { Messages } from "../messages.js";
import type { WebPhoneActions } from "./actions.js";

/** A number, a keypad, and the button that calls. */
export class DialScreen {
  readonly element: HTMLFormElement;
  readonly #number = h("input", { part: "number", name: "number", type: "text", inputmode: "tel", autocomplete: "off", autocapitalize: "off", spellcheck: "false", enterkeyhint: "go" });
  readonly #delete = h("button", { type: "button", part: "delete", class: "round" }, icon("backspace"));
  readonly #display = h("div", { part: "display", class: "display" }, this.#number, this.#delete);
  readonly #keypad = keypad((digit) => { this.type(digit); });
  readonly #call = control("phone", "call", "control accept");

  constructor(actions: WebPhoneActions) {
    this.#call.type = "submit";
    this.element = h("form", { part: "dial", class: "screen dial" }, this.#display, this.#keypad, h("div", { class: "controls" }, this.#call));
    this.#number.addEventListener("input", () => { this.#showDelete(); });
    this.#delete.addEventListener("click", () => { this.#deleteLast(); });
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.number === "") this.#number.focus();
      else actions.ask({ type: "call", target: this.number });
    });
  }

  get first(): HTMLElement {
    return this.#number;
  }

  /** The number as it stands. */
  get number(): string {
    return this.#number.value.trim();
  }

  set number(value: string) {
    this.#number.value = value;
    this.#showDelete();
  }

  /** Adds a digit at the end. */
  type(digit: string): void {
    this.number = this.#number.value + digit;
  }

  render({ call, phone }: Messages): void {
    this.#number.placeholder = phone.number;
    this.#number.setAttribute("aria-label", phone.number);
    this.#delete.setAttribute("aria-label", phone.deleteDigit);
    caption(this.#call, call.call);
    nameKeypad(this.#keypad, call);
  }

  #deleteLast(): void {
    this.number = this.#number.value.slice(0, -1);
    this.#number.focus();
  }

  #showDelete(): void {
    this.#display.classList.toggle("filled", this.#number.value !== "");
  }
}
