/** The form of a transfer: to a number, at once or after asking; or to another call of this phone. */
import { h, partyName, setText } from "../base.js";
import type { Messages } from "../messages.js";
import type { WebPhoneActions } from "./actions.js";
import { phoneIcon } from "./icons.js";
import { ListView, textButton } from "./parts.js";
import type { PhoneCall, PhoneState } from "./state.js";

/** Who is to take the call. */
export class TransferForm {
  readonly element: HTMLFormElement;
  readonly #target = h("input", { part: "transfer-target", name: "transfer-target", type: "text", inputmode: "tel", autocomplete: "off", autocapitalize: "off", spellcheck: "false", required: true, dir: "ltr" });
  readonly #caption = h("span");
  readonly #now = h("button", { type: "submit", part: "transfer-now", class: "wide" });
  readonly #ask: HTMLButtonElement;
  readonly #others: ListView<PhoneCall>;
  #join = "";

  constructor(actions: WebPhoneActions) {
    this.#ask = textButton("ask-first", "wide quiet", () => {
      if (this.element.reportValidity()) this.#send(actions, "consult");
    });
    this.#others = new ListView("transfer-calls", { key: ({ id }) => String(id), look: ({ remote }) => partyName(remote), row: (call) => {
      const button = h("button", { type: "button", part: "join", class: "row" }, phoneIcon("join"), h("span", { class: "grow" }, `${this.#join}: ${partyName(call.remote)}`));
      button.addEventListener("click", () => { actions.ask({ type: "join", id: call.id }); });
      return button;
    } });
    this.element = h("form", { part: "transfer-form", class: "transfer" },
      h("label", { class: "field" }, this.#caption, this.#target), h("div", { class: "pair" }, this.#now, this.#ask), this.#others.element);
    this.element.addEventListener("submit", (event) => { event.preventDefault(); this.#send(actions, "transfer"); });
  }

  get first(): HTMLElement {
    return this.#target;
  }

  render({ call, calls }: PhoneState, { phone }: Messages): void {
    setText(this.#caption, phone.transferTo);
    setText(this.#now, phone.transferNow);
    setText(this.#ask, phone.askFirst);
    this.#join = phone.connectWith;
    const others = calls.filter(({ id, phase }) => id !== call?.id && phase === "active");
    this.#others.element.hidden = others.length === 0;
    this.#others.render(others, "", phone);
  }

  #send(actions: WebPhoneActions, type: "transfer" | "consult"): void {
    actions.ask({ type, target: this.#target.value.trim() });
    this.#target.value = "";
  }
}
