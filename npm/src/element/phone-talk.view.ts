/** The screen of `<web-phone>` that shows a call, from ringing to its outcome. */
import { clock, h, partyName, setText } from "./base.js";
import { caption, control, setIcon } from "./control.js";
import { icon } from "./icons.js";
import { keypad, nameKeypad } from "./keypad.js";
import { errorText, type Messages } from "./messages.js";
import type { WebPhoneActions } from "./phone-actions.js";
import type { PhoneCall, PhoneCallPhase, PhoneState } from "./phone-store.js";

const MOODS: Partial<Record<PhoneCallPhase, string>> = {
  incoming: "pulsing incoming",
  connecting: "pulsing",
  ringing: "pulsing",
  error: "failed",
};

/** Who, how long, and what can be done about it. */
export class TalkScreen {
  readonly element: HTMLElement;
  readonly #name = h("h3", { part: "name", class: "name" });
  readonly #address = h("p", { part: "address", class: "address", dir: "ltr" });
  readonly #state = h("p", { part: "state", class: "state" });
  readonly #digits = h("p", { part: "digits", class: "digits", dir: "ltr" });
  readonly #mute = control("mic", "mute", "control");
  readonly #hold = control("pause", "hold", "control");
  readonly #toggle = control("keypad", "keypad-toggle", "control");
  readonly #decline = control("phone", "decline", "control danger");
  readonly #answer = control("phone", "answer", "control accept");
  readonly #hangUp = control("phone", "hang-up", "control danger");
  readonly #again = h("button", { type: "button", part: "again", class: "wide" });
  readonly #close = h("button", { type: "button", part: "close", class: "wide quiet" });
  readonly #sound = h("button", { type: "button", part: "sound", class: "wide quiet sound" }, icon("sound"), h("span"));
  readonly #controls = h("div", { part: "controls", class: "controls" }, this.#mute, this.#hold, this.#toggle, this.#decline, this.#answer, this.#hangUp);
  readonly #after = h("div", { class: "after" }, this.#again, this.#close);
  readonly #keypad: HTMLElement;
  #phase: PhoneCallPhase | undefined;

  constructor(actions: WebPhoneActions) {
    this.#keypad = keypad(actions.onDigit.bind(actions));
    const lead = h("div", { class: "lead" }, h("div", { part: "avatar", class: "avatar" }, icon("person"), icon("alert")), this.#name, this.#address, this.#state);
    this.element = h("div", { part: "talk", role: "group" }, lead, this.#digits, this.#sound, this.#keypad, this.#controls, this.#after);
    const clicks = new Map<HTMLElement, () => void>([
      [this.#mute, () => { actions.onMute(); }],
      [this.#hold, () => { actions.onHold(); }],
      [this.#toggle, () => { actions.onKeypad(); }],
      [this.#decline, () => { actions.onDecline(); }],
      [this.#answer, () => { actions.onAnswer(); }],
      [this.#hangUp, () => { actions.onHangUp(); }],
      [this.#again, () => { actions.onAgain(); }],
      [this.#close, () => { actions.onClose(); }],
      [this.#sound, () => { actions.onUnlock(); }],
    ]);
    clicks.forEach((act, button) => { button.addEventListener("click", act); });
  }

  /** What Enter should do: answer, hang up, or put the outcome away. */
  get first(): HTMLElement {
    if (this.#phase === "incoming") return this.#answer;
    return this.#controls.hidden ? this.#close : this.#hangUp;
  }

  render({ call, blocked }: PhoneState, messages: Messages, keypadOpen: boolean): void {
    if (!call) return;
    this.#phase = call.phase;
    this.element.className = `screen talk ${MOODS[call.phase] ?? call.phase}${keypadOpen ? " keys" : ""}`;
    this.element.setAttribute("aria-label", messages.call.inCall);
    setText(this.#name, partyName(call.remote));
    setText(this.#address, call.remote.uri.replace(/^(sips?|tel):/i, ""));
    this.#address.hidden = this.#address.textContent === this.#name.textContent;
    setText(this.#digits, call.digits);
    this.#digits.hidden = call.phase !== "active" || call.digits === "";
    this.#sound.hidden = !blocked;
    this.#keypad.hidden = call.phase !== "active" || !keypadOpen;
    this.#renderControls(call, keypadOpen);
    this.#renderHold(call, messages);
    this.#speak(messages, call);
    this.renderClock(call, messages);
  }

  /** Shows the time that passed; not part of what a screen reader is told. */
  renderClock(call: PhoneCall, messages: Messages): void {
    const { phase, answeredAt, duration } = call;
    const text = TalkScreen.stateText(call, messages);
    const inCall = text === messages.call.inCall ? "" : `${text} · `;
    if (phase === "active" && answeredAt !== undefined) setText(this.#state, inCall + clock(Date.now() - answeredAt));
    else setText(this.#state, phase === "ended" && duration > 0 ? `${text} · ${clock(duration)}` : text);
  }

  /** Where a call stands, in words. */
  static stateText({ phase, errorCode, held, holdFailed }: PhoneCall, { call, phone }: Messages): string {
    const talking = held.local ? phone.onHold : held.remote ? phone.heldByOther : call.inCall;
    const texts: Record<PhoneCallPhase, string> = {
      incoming: phone.incomingCall,
      connecting: call.connecting,
      ringing: call.ringing,
      active: holdFailed ? phone.holdFailed : talking,
      ended: call.ended,
      error: errorText(call, errorCode ?? "other"),
    };
    return texts[phase];
  }

  #renderControls({ phase, muted, direction }: PhoneCall, keypadOpen: boolean): void {
    const over = phase === "ended" || phase === "error";
    this.#controls.hidden = over;
    this.#after.hidden = !over;
    this.#again.hidden = direction === "incoming";
    this.#mute.hidden = phase !== "active";
    this.#toggle.hidden = phase !== "active";
    this.#decline.hidden = phase !== "incoming";
    this.#answer.hidden = phase !== "incoming";
    this.#hangUp.hidden = phase === "incoming";
    this.#mute.setAttribute("aria-pressed", String(muted));
    this.#toggle.setAttribute("aria-expanded", String(keypadOpen));
    setIcon(this.#mute, muted ? "micOff" : "mic");
  }

  /** The button says what it will do, so it is no toggle to a screen reader. */
  #renderHold({ phase, held, holding }: PhoneCall, { phone }: Messages): void {
    this.#hold.hidden = phase !== "active";
    this.#hold.setAttribute("aria-disabled", String(holding));
    setIcon(this.#hold, held.local ? "play" : "pause");
    caption(this.#hold, held.local ? phone.resume : phone.hold);
  }

  #speak({ call, phone }: Messages, { phase }: PhoneCall): void {
    caption(this.#mute, call.mute);
    caption(this.#toggle, call.keypad);
    caption(this.#decline, phone.decline);
    caption(this.#answer, phone.answer);
    caption(this.#hangUp, call.hangUp);
    caption(this.#sound, call.playSound);
    setText(this.#again, phase === "error" ? call.tryAgain : call.callAgain);
    setText(this.#close, call.close);
    nameKeypad(this.#keypad, call);
  }
}
