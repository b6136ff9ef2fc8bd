/** The bar of `<web-phone>` with all calls: which is shown, which wait, and who rings meanwhile. */
import { h, setText } from "../base.js";
import { icon } from "../icons.js";
import type { Messages } from "../messages.js";
import type { WebPhoneActions } from "./actions.js";
import { name } from "./parts.js";
import type { PhoneCall, PhoneState } from "./state.js";
import { TalkScreen } from "./talk.view.js";

/** One call in the bar. */
class CallRow {
  readonly element: HTMLElement;
  readonly #who = h("strong");
  readonly #state = h("span");
  readonly #select: HTMLButtonElement;
  readonly #answer = h("button", { type: "button", part: "answer-waiting", class: "round accept" }, icon("phone"));
  readonly #decline = h("button", { type: "button", part: "decline-waiting", class: "round danger" }, icon("phone"));

  constructor(id: number, actions: WebPhoneActions) {
    this.#select = h("button", { type: "button", part: "call-row", class: "row" }, h("span", { class: "lamp" }), h("span", { class: "grow two" }, this.#who, this.#state));
    this.#select.addEventListener("click", () => { actions.ask({ type: "select", id }); });
    this.#answer.addEventListener("click", () => { actions.ask({ type: "answer", id }); });
    this.#decline.addEventListener("click", () => { actions.ask({ type: "decline", id }); });
    this.element = h("li", {}, this.#select, this.#decline, this.#answer);
  }

  render(call: PhoneCall, who: string, isShown: boolean, messages: Messages): void {
    const isRinging = call.phase === "incoming";
    this.element.className = isRinging ? "ringing" : call.held.local ? "held" : "";
    this.#select.disabled = isRinging;
    if (isShown) this.#select.setAttribute("aria-current", "true");
    else this.#select.removeAttribute("aria-current");
    setText(this.#who, who);
    setText(this.#state, TalkScreen.stateText(call, messages));
    this.#answer.hidden = this.#decline.hidden = !isRinging;
    name(this.#answer, `${messages.phone.answer}: ${who}`);
    name(this.#decline, `${messages.phone.decline}: ${who}`);
  }
}

/** All calls. */
export class CallsBar {
  readonly element = h("ul", { part: "calls", class: "calls" });
  readonly #actions: WebPhoneActions;
  readonly #rows = new Map<number, CallRow>();

  constructor(actions: WebPhoneActions) {
    this.#actions = actions;
  }

  /** One call that is shown needs no bar. */
  render({ calls, call: shown, view }: PhoneState, messages: Messages, nameOf: (call: PhoneCall) => string): void {
    this.element.hidden = calls.length === 0 || (calls.length === 1 && view === "talk");
    this.element.setAttribute("aria-label", messages.phone.calls);
    const listed = this.element.hidden ? [] : calls;
    for (const [id, row] of this.#rows) {
      if (listed.some((call) => call.id === id)) continue;
      row.element.remove();
      this.#rows.delete(id);
    }
    listed.forEach((call) => { this.#row(call.id).render(call, nameOf(call), view === "talk" && call.id === shown?.id, messages); });
  }

  #row(id: number): CallRow {
    const known = this.#rows.get(id);
    if (known) return known;
    const row = new CallRow(id, this.#actions);
    this.#rows.set(id, row);
    this.element.append(row.element);
    return row;
  }
}
