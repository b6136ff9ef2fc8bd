/**
 * The panel of `<call-button>`: the call, its keypad, its microphone and loudspeaker, and what the page asks before it.
 *
 * Fetched with the telephone, when somebody means to call. It asks for nothing by itself and decides nothing.
 */
import { clock, h, setText, sheet } from "./base.js";
import { type CallButtonPresentation, clockText, mood, stateText } from "./call-button.view.js";
import { callPanelStyles } from "./call-panel.styles.js";
import type { CallButtonState } from "./call-store.js";
import { caption, control, setIcon } from "./control.js";
import { icon } from "./icons.js";
import { keypad, nameKeypad } from "./keypad.js";
import { call as ENGLISH, type CallWords } from "./lang/en.call.js";
import type { ButtonWords } from "./messages.js";

export { ENGLISH };

/** What the controls of the panel are for. */
export interface CallPanelActions {
  onHangUp(): void;
  onMute(): void;
  onKeypad(): void;
  onDigit(digit: string): void;
  onAgain(): void;
  onAgree(): void;
  onClose(): void;
  onUnlock(): void;
  onDevice(which: "input" | "output", id: string): void;
}

let styles: CSSStyleSheet | undefined;

/** The panel. */
export class CallPanel {
  readonly element: HTMLElement;
  readonly #name = h("h2", { part: "name", class: "name" });
  readonly #state = h("p", { part: "state", class: "state" });
  readonly #quality = h("p", { part: "quality", class: "quality" }, h("span", { class: "lamp" }), h("span"));
  readonly #level = h("meter", { part: "level", class: "level", min: "0", max: "1" });
  readonly #digits = h("p", { part: "digits", class: "digits" });
  readonly #mute = control("mic", "mute", "control");
  readonly #keypadToggle = control("keypad", "keypad-toggle", "control");
  readonly #hangUp = control("phone", "hang-up", "control danger");
  readonly #again = h("button", { type: "button", part: "again", class: "wide" });
  readonly #agree = h("button", { type: "button", part: "agree", class: "wide" });
  readonly #close = h("button", { type: "button", part: "close" }, icon("close"));
  readonly #sound = h("button", { type: "button", part: "sound", class: "wide quiet sound" }, icon("sound"), h("span"));
  readonly #controls = h("div", { part: "controls", class: "controls" }, this.#mute, this.#keypadToggle, this.#hangUp);
  readonly #after = h("div", { class: "after" }, this.#again);
  readonly #selects = { input: h("select", { part: "input" }), output: h("select", { part: "output" }) };
  readonly #captions = { input: h("span"), output: h("span") };
  readonly #outputField = h("label", { class: "field" }, this.#captions.output, this.#selects.output);
  readonly #devicesName = h("summary");
  readonly #devices = h("details", { part: "devices", class: "devices" }, this.#devicesName, h("label", { class: "field" }, this.#captions.input, this.#selects.input), this.#outputField);
  readonly #closedText = h("p", { class: "state" });
  readonly #notices = {
    consent: h("div", { part: "consent", class: "notice" }, h("slot", { name: "consent" }), this.#agree),
    closed: h("div", { part: "closed", class: "notice" }, h("slot", { name: "closed" }, this.#closedText)),
  };
  readonly #call: HTMLElement;
  readonly #keypad: HTMLElement;
  #listed: CallButtonState["devices"];

  constructor(root: ShadowRoot, actions: CallPanelActions) {
    this.#keypad = keypad(actions.onDigit.bind(actions));
    this.#call = h("div", {}, this.#state, this.#quality, this.#level, this.#digits, this.#sound, this.#keypad, this.#devices, this.#controls, this.#after);
    this.element = h("div", { part: "panel", class: "panel", role: "dialog", popover: "manual" },
      h("div", { class: "top" }, this.#close),
      h("div", { part: "avatar", class: "avatar" }, icon("phone"), icon("alert")),
      this.#name, this.#notices.consent, this.#notices.closed, this.#call);
    const clicks = new Map<HTMLElement, () => void>([
      [this.#hangUp, () => { actions.onHangUp(); }],
      [this.#mute, () => { actions.onMute(); }],
      [this.#keypadToggle, () => { actions.onKeypad(); }],
      [this.#again, () => { actions.onAgain(); }],
      [this.#agree, () => { actions.onAgree(); }],
      [this.#close, () => { actions.onClose(); }],
      [this.#sound, () => { actions.onUnlock(); }],
    ]);
    clicks.forEach((act, button) => { button.addEventListener("click", act); });
    for (const which of ["input", "output"] as const) {
      this.#selects[which].addEventListener("change", () => { actions.onDevice(which, this.#selects[which].value); });
    }
    root.adoptedStyleSheets.push((styles ??= sheet(callPanelStyles)));
    root.append(this.element);
  }

  /** Shows `state`. */
  render(state: CallButtonState, shown: CallButtonPresentation, words: CallWords): void {
    const { callee, direction, language, notice } = shown;
    this.element.className = `panel ${notice ?? mood(state.phase)}`;
    this.element.dir = direction;
    this.element.lang = language;
    this.element.setAttribute("aria-label", callee || words.call);
    setText(this.#name, callee || words.call);
    this.#close.setAttribute("aria-label", words.close);
    this.#call.hidden = notice !== undefined;
    this.#notices.consent.hidden = notice !== "consent";
    this.#notices.closed.hidden = notice !== "closed";
    setText(this.#agree, words.agree);
    setText(this.#closedText, words.closed);
    this.#renderCall(state, shown, words);
    this.#renderControls(state, shown, words);
    this.#renderDevices(state, words);
  }

  /** Shows the time that passed. */
  renderClock(state: CallButtonState, words: ButtonWords): void {
    const text = stateText(state, words);
    const ended = state.phase === "ended" && state.duration > 0 ? `${text} · ${clock(state.duration)}` : text;
    setText(this.#state, clockText(state) || ended);
  }

  /** Shows how loud the microphone is, from 0 to 1. */
  renderLevel(level: number): void {
    this.#level.value = level;
  }

  #renderCall({ phase, digits, blocked, quality }: CallButtonState, { keypadOpen }: CallButtonPresentation, words: CallWords): void {
    const isTalking = phase === "active";
    setText(this.#digits, digits);
    this.#digits.hidden = digits === "" || !isTalking;
    this.#sound.hidden = !blocked;
    caption(this.#sound, words.playSound);
    this.#keypad.hidden = !isTalking || !keypadOpen;
    nameKeypad(this.#keypad, words);
    this.#level.hidden = !isTalking;
    this.#level.setAttribute("aria-label", words.microphone);
    this.#quality.hidden = !isTalking || quality === undefined;
    this.#quality.className = `quality ${quality ?? ""}`;
    const texts = { good: words.soundGood, fair: words.soundFair, bad: words.soundBad };
    caption(this.#quality, quality ? texts[quality] : "");
  }

  #renderControls({ phase, muted }: CallButtonState, { keypadOpen }: CallButtonPresentation, words: CallWords): void {
    const over = phase === "ended" || phase === "error" || phase === "idle";
    this.#controls.hidden = over;
    this.#after.hidden = !over;
    setText(this.#again, phase === "error" ? words.tryAgain : words.callAgain);
    this.#mute.hidden = phase !== "active";
    this.#keypadToggle.hidden = phase !== "active";
    this.#mute.setAttribute("aria-pressed", String(muted));
    this.#keypadToggle.setAttribute("aria-expanded", String(keypadOpen));
    setIcon(this.#mute, muted ? "micOff" : "mic");
    caption(this.#mute, words.mute);
    caption(this.#keypadToggle, words.keypad);
    caption(this.#hangUp, words.hangUp);
  }

  /** A list that is unfolded must not be replaced under the mouse. */
  #renderDevices({ phase, devices }: CallButtonState, words: CallWords): void {
    this.#devices.hidden = phase !== "active" || !devices;
    setText(this.#devicesName, words.devices);
    setText(this.#captions.input, words.microphone);
    setText(this.#captions.output, words.loudspeaker);
    if (!devices || devices === this.#listed) return;
    this.#listed = devices;
    this.#outputField.hidden = !devices.canSetOutput;
    for (const which of ["input", "output"] as const) {
      const named = devices.list.filter(({ kind, label }) => kind === which && label !== "");
      this.#selects[which].replaceChildren(h("option", { value: "" }, words.systemDefault), ...named.map(({ id, label }) => h("option", { value: id }, label)));
      this.#selects[which].value = devices[which];
    }
  }
}
