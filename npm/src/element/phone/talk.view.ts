/** The screen of `<web-phone>` that shows a call, from ringing to its outcome. */
import { clock, h, partyName, setText } from "../base.js";
import { caption, control, setIcon } from "../control.js";
import { icon } from "../icons.js";
import { keypad, nameKeypad } from "../keypad.js";
import { errorText, type Messages } from "../messages.js";
import type { WebPhoneActions } from "./actions.js";
import { phoneIcon } from "./icons.js";
import { textButton } from "./parts.js";
import { bareAddress, type PhoneCall, type PhoneCallPhase, type PhoneState } from "./state.js";
import { TransferForm } from "./transfer.view.js";

const MOODS: Partial<Record<PhoneCallPhase, string>> = {
  incoming: "pulsing incoming",
  connecting: "pulsing",
  ringing: "pulsing",
  error: "failed",
};

/** What is unfolded below a call. */
export interface TalkFolds {
  readonly keypadOpen: boolean;
  readonly transferOpen: boolean;
}

/** Who, how long, and what can be done about it. */
export class TalkScreen {
  readonly element: HTMLElement;
  readonly transferForm: TransferForm;
  readonly #name = h("h3", { part: "name", class: "name" });
  readonly #address = h("p", { part: "address", class: "address", dir: "ltr" });
  readonly #state = h("p", { part: "state", class: "state" });
  readonly #quality = h("p", { part: "quality", class: "quality" }, h("span", { class: "lamp" }), h("span"));
  readonly #digits = h("p", { part: "digits", class: "digits", dir: "ltr" });
  readonly #mute = control("mic", "mute", "control");
  readonly #hold = control("pause", "hold", "control");
  readonly #toggle = control("keypad", "keypad-toggle", "control");
  readonly #transfer = control(phoneIcon("transfer"), "transfer", "control");
  readonly #add = control(phoneIcon("add"), "add-call", "control");
  readonly #decline = control("phone", "decline", "control danger");
  readonly #answer = control("phone", "answer", "control accept");
  readonly #hangUp = control("phone", "hang-up", "control danger");
  readonly #complete: HTMLButtonElement;
  readonly #merge: HTMLButtonElement;
  readonly #askedText = h("p", { class: "hint" });
  readonly #accept: HTMLButtonElement;
  readonly #refuse: HTMLButtonElement;
  readonly #asked: HTMLElement;
  readonly #again: HTMLButtonElement;
  readonly #close: HTMLButtonElement;
  readonly #sound = h("button", { type: "button", part: "sound", class: "wide quiet sound" }, icon("sound"), h("span"));
  readonly #controls = h("div", { part: "controls", class: "controls" }, this.#mute, this.#hold, this.#toggle, this.#transfer, this.#add, this.#decline, this.#answer, this.#hangUp);
  readonly #after: HTMLElement;
  readonly #keypad: HTMLElement;
  #call: PhoneCall | undefined;

  constructor(actions: WebPhoneActions) {
    const { ask } = actions;
    this.transferForm = new TransferForm(actions);
    this.#keypad = keypad((digits) => { ask({ type: "digits", digits }); });
    this.#complete = textButton("complete", "wide", () => { ask({ type: "complete" }); });
    this.#merge = textButton("merge", "wide quiet", () => { ask({ type: this.#call?.conference ? "separate" : "merge" }); });
    this.#accept = textButton("accept-transfer", "wide", () => { ask({ type: "followTransfer" }); });
    this.#refuse = textButton("refuse-transfer", "wide quiet", () => { ask({ type: "refuseTransfer" }); });
    this.#again = textButton("again", "wide", () => { actions.onAgain(); });
    this.#close = textButton("close", "wide quiet", () => { ask({ type: "dismiss" }); });
    this.#after = h("div", { class: "after" }, this.#again, this.#close);
    this.#asked = h("div", { part: "asked", class: "asked" }, this.#askedText, h("div", { class: "pair" }, this.#accept, this.#refuse));
    const lead = h("div", { class: "lead" }, h("div", { part: "avatar", class: "avatar" }, icon("person"), icon("alert")), this.#name, this.#address, this.#state, this.#quality);
    this.element = h("div", { part: "talk", role: "group" },
      lead, this.#digits, this.#sound, this.#asked, this.#complete, this.#merge, this.transferForm.element, this.#keypad, this.#controls, this.#after);
    const clicks = new Map<HTMLElement, () => void>([
      [this.#mute, () => { ask({ type: "mute", muted: !this.#call?.muted }); }],
      [this.#hold, () => { ask({ type: "hold", held: !this.#call?.held.local }); }],
      [this.#toggle, () => { actions.onKeypad(); }],
      [this.#transfer, () => { actions.onTransferForm(); }],
      [this.#add, () => { ask({ type: "view", view: "keypad" }); }],
      [this.#decline, () => { ask({ type: "decline" }); }],
      [this.#answer, () => { ask({ type: "answer" }); }],
      [this.#hangUp, () => { ask({ type: "hangUp" }); }],
      [this.#sound, () => { ask({ type: "unlock" }); }],
    ]);
    clicks.forEach((act, button) => { button.addEventListener("click", act); });
  }

  /** What Enter should do: answer, hang up, or put the outcome away. */
  get first(): HTMLElement {
    if (this.#call?.phase === "incoming") return this.#answer;
    return this.#controls.hidden ? this.#close : this.#hangUp;
  }

  render(state: PhoneState, messages: Messages, name: string, folds: TalkFolds): void {
    const { call, blocked } = state;
    this.#call = call;
    if (!call) return;
    const isTalking = call.phase === "active";
    const { keypadOpen, transferOpen } = folds;
    this.element.className = `screen talk ${MOODS[call.phase] ?? call.phase}${isTalking && (keypadOpen || transferOpen) ? " keys" : ""}`;
    this.element.setAttribute("aria-label", messages.call.inCall);
    setText(this.#name, name);
    setText(this.#address, bareAddress(call.remote.uri));
    this.#address.hidden = this.#address.textContent === this.#name.textContent;
    setText(this.#digits, call.digits);
    this.#digits.hidden = !isTalking || call.digits === "";
    this.#sound.hidden = !blocked;
    this.#keypad.hidden = !isTalking || !keypadOpen;
    this.transferForm.element.hidden = !isTalking || !transferOpen;
    this.transferForm.render(state, messages);
    this.#renderTransfer(call, messages);
    this.#renderMerge(state, call, messages);
    this.#renderControls(call, folds);
    this.#renderHold(call, messages);
    this.#renderQuality(call, messages);
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
  static stateText(state: PhoneCall, { call, phone }: Messages): string {
    const texts: Record<PhoneCallPhase, string> = {
      incoming: phone.incomingCall,
      connecting: call.connecting,
      ringing: call.ringing,
      active: talkText(state, { call, phone }),
      ended: call.ended,
      error: errorText(call, state.errorCode ?? "other", phone.errors),
    };
    return texts[state.phase];
  }

  #renderTransfer({ phase, consults, asked, transfer }: PhoneCall, { phone }: Messages): void {
    const isAsking = transfer === "asking";
    this.#complete.hidden = consults === undefined || phase === "ended" || phase === "error";
    this.#complete.setAttribute("aria-disabled", String(isAsking));
    setText(this.#complete, isAsking ? phone.transferring : phone.completeTransfer);
    this.#asked.hidden = asked === undefined;
    setText(this.#askedText, `${phone.transferAsked}: ${partyName({ uri: asked ?? "" })}`);
    setText(this.#accept, phone.accept);
    setText(this.#refuse, phone.refuse);
  }

  /** There is somebody to talk to as well, or a conference to leave. */
  #renderMerge({ calls }: PhoneState, { id, phase, conference }: PhoneCall, { phone }: Messages): void {
    const others = calls.some((other) => other.id !== id && other.phase === "active");
    this.#merge.hidden = phase !== "active" || !others;
    setText(this.#merge, conference ? phone.separate : phone.merge);
  }

  #renderControls({ phase, muted, direction, consults }: PhoneCall, { keypadOpen, transferOpen }: TalkFolds): void {
    const isOver = phase === "ended" || phase === "error";
    const isTalking = phase === "active";
    this.#controls.hidden = isOver;
    this.#after.hidden = !isOver;
    this.#again.hidden = direction === "incoming";
    this.#mute.hidden = !isTalking;
    this.#toggle.hidden = !isTalking;
    this.#add.hidden = !isTalking;
    this.#transfer.hidden = !isTalking || consults !== undefined;
    this.#decline.hidden = phase !== "incoming";
    this.#answer.hidden = phase !== "incoming";
    this.#hangUp.hidden = phase === "incoming";
    this.#mute.setAttribute("aria-pressed", String(muted));
    this.#toggle.setAttribute("aria-expanded", String(keypadOpen));
    this.#transfer.setAttribute("aria-expanded", String(transferOpen));
    setIcon(this.#mute, muted ? "micOff" : "mic");
  }

  /** The button says what it will do, so it is no toggle to a screen reader. */
  #renderHold({ phase, held, holding }: PhoneCall, { phone }: Messages): void {
    this.#hold.hidden = phase !== "active";
    this.#hold.setAttribute("aria-disabled", String(holding));
    setIcon(this.#hold, held.local ? "play" : "pause");
    caption(this.#hold, held.local ? phone.resume : phone.hold);
  }

  #renderQuality({ quality }: PhoneCall, { call }: Messages): void {
    this.#quality.hidden = quality === undefined;
    this.#quality.className = `quality ${quality ?? ""}`;
    const texts = { good: call.soundGood, fair: call.soundFair, bad: call.soundBad };
    if (this.#quality.lastElementChild) setText(this.#quality.lastElementChild, quality ? texts[quality] : "");
  }

  #speak({ call, phone }: Messages, { phase }: PhoneCall): void {
    caption(this.#mute, call.mute);
    caption(this.#toggle, call.keypad);
    caption(this.#transfer, phone.transfer);
    caption(this.#add, phone.addCall);
    caption(this.#decline, phone.decline);
    caption(this.#answer, phone.answer);
    caption(this.#hangUp, call.hangUp);
    caption(this.#sound, call.playSound);
    setText(this.#again, phase === "error" ? call.tryAgain : call.callAgain);
    setText(this.#close, call.close);
    nameKeypad(this.#keypad, call);
  }
}

function talkText({ held, holdFailed, transfer, conference }: PhoneCall, { call, phone }: Messages): string {
  if (transfer !== "none") return transfer === "asking" ? phone.transferring : phone.transferFailed;
  if (holdFailed) return phone.holdFailed;
  if (held.local) return phone.onHold;
  if (held.remote) return phone.heldByOther;
  return conference ? phone.inConference : call.inCall;
}
