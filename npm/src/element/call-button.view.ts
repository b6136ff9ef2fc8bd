/** The shadow tree of `<call-button>` and how it shows a state. It asks for nothing and decides nothing. */
import { clock, h, keepFocus, setText } from "./base.js";
import type { CallButtonState, CallPhase } from "./call-store.js";
import { caption, control, setIcon } from "./control.js";
import { icon } from "./icons.js";
import { keypad, nameKeypad } from "./keypad.js";
import type { CallWords } from "./lang/en.call.js";
import { errorText } from "./messages.js";

/** What the controls of the view are for. */
export interface CallButtonActions {
  onTrigger(): void;
  onHangUp(): void;
  onMute(): void;
  onKeypad(): void;
  onDigit(digit: string): void;
  onAgain(): void;
  onClose(): void;
  onUnlock(): void;
  /** What is written between the tags changed. */
  onLabel(): void;
}

/** What is shown besides the store's state. */
export interface CallButtonPresentation {
  readonly words: CallWords;
  /** What the page wrote on the button, or nothing. */
  readonly label: string;
  /** What the panel is called: who is called, or the label. */
  readonly callee: string;
  /** Was it written between the tags? */
  readonly slotted: boolean;
  readonly direction: "ltr" | "rtl";
  readonly language: string;
  readonly open: boolean;
  readonly keypadOpen: boolean;
}

const PULSING: readonly CallPhase[] = ["connecting", "ringing"];

/** The parts of the tree that change. */
export class CallButtonView {
  readonly trigger = h("button", { type: "button", part: "button", class: "trigger" });
  readonly panel: HTMLElement;
  readonly #status = h("span", { class: "unseen", role: "status" });
  readonly #text = h("span", { part: "state-text", class: "away" });
  readonly #slot = h("slot");
  readonly #label = h("span", { part: "label" });
  readonly #title = h("span", {}, this.#label, this.#slot);
  readonly #name = h("h2", { part: "name", class: "name" });
  readonly #state = h("p", { part: "state", class: "state" });
  readonly #digits = h("p", { part: "digits", class: "digits" });
  readonly #mute = control("mic", "mute", "control");
  readonly #keypadToggle = control("keypad", "keypad-toggle", "control");
  readonly #hangUp = control("phone", "hang-up", "control danger");
  readonly #again = h("button", { type: "button", part: "again", class: "wide" });
  readonly #close = h("button", { type: "button", part: "close" }, icon("close"));
  readonly #sound = h("button", { type: "button", part: "sound", class: "wide quiet sound" }, icon("sound"), h("span"));
  readonly #controls = h("div", { part: "controls", class: "controls" }, this.#mute, this.#keypadToggle, this.#hangUp);
  readonly #after = h("div", { class: "after" }, this.#again);
  readonly #keypad: HTMLElement;
  readonly #root: ShadowRoot;

  constructor(root: ShadowRoot, actions: CallButtonActions) {
    this.#root = root;
    this.#keypad = keypad(actions.onDigit.bind(actions));
    this.trigger.append(h("slot", { name: "icon" }, icon("phone")), h("span", { class: "words" }, this.#title, this.#text));
    this.panel = h("div", { part: "panel", class: "panel", role: "dialog", popover: "manual" },
      h("div", { class: "top" }, this.#close),
      h("div", { part: "avatar", class: "avatar" }, icon("phone"), icon("alert")),
      this.#name, this.#state, this.#digits, this.#sound, this.#keypad, this.#controls, this.#after);
    listen(this.trigger, actions, "onTrigger");
    listen(this.#hangUp, actions, "onHangUp");
    listen(this.#mute, actions, "onMute");
    listen(this.#keypadToggle, actions, "onKeypad");
    listen(this.#again, actions, "onAgain");
    listen(this.#close, actions, "onClose");
    listen(this.#sound, actions, "onUnlock");
    this.#slot.addEventListener("slotchange", () => { actions.onLabel(); });
    root.append(this.trigger, this.panel, this.#status);
  }

  /** Shows `state`. Focus in a control that disappears goes to the main button. */
  render(state: CallButtonState, shown: CallButtonPresentation): void {
    keepFocus(this.#root, () => this.trigger, () => {
      this.#renderTrigger(state, shown);
      this.#renderPanel(state, shown);
      this.#renderControls(state, shown);
    });
    setText(this.#status, state.phase === "idle" ? "" : stateText(state, shown.words));
    this.renderClock(state, shown.words);
  }

  /** Shows the time that passed; not part of what a screen reader is told. */
  renderClock(state: CallButtonState, words: CallWords): void {
    const text = state.answeredAt !== undefined && state.phase === "active" ? clock(Date.now() - state.answeredAt) : "";
    setText(this.#text, text || (state.phase === "error" ? words.failed : stateText(state, words)));
    setText(this.#state, text || endedText(state, words));
  }

  #renderTrigger({ phase }: CallButtonState, shown: CallButtonPresentation): void {
    const { label, slotted, words, open, direction, language } = shown;
    this.trigger.className = `trigger ${mood(phase)}`;
    this.trigger.dir = direction;
    this.trigger.lang = language;
    if (phase === "idle") this.trigger.removeAttribute("aria-expanded");
    else this.trigger.setAttribute("aria-expanded", String(open));
    const rests = phase === "idle" || phase === "ended";
    this.#text.classList.toggle("away", rests);
    this.#title.classList.toggle("away", !rests);
    this.#label.hidden = slotted;
    this.#slot.hidden = !slotted;
    setText(this.#label, label || words.call);
  }

  #renderPanel({ phase, digits, blocked }: CallButtonState, shown: CallButtonPresentation): void {
    const { words, callee, direction, language } = shown;
    this.panel.className = `panel ${mood(phase)}`;
    this.panel.dir = direction;
    this.panel.lang = language;
    this.panel.setAttribute("aria-label", callee || words.call);
    setText(this.#name, callee || words.call);
    setText(this.#digits, digits);
    this.#digits.hidden = digits === "" || phase !== "active";
    this.#sound.hidden = !blocked;
    if (this.#sound.lastElementChild) setText(this.#sound.lastElementChild, words.playSound);
    this.#close.setAttribute("aria-label", words.close);
    this.#keypad.hidden = phase !== "active" || !shown.keypadOpen;
    nameKeypad(this.#keypad, words);
  }

  #renderControls({ phase, muted }: CallButtonState, { words, keypadOpen }: CallButtonPresentation): void {
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
}

/** The class that gives a phase its looks. */
function mood(phase: CallPhase): string {
  if (phase === "error") return "failed";
  return PULSING.includes(phase) ? "pulsing" : phase;
}

function stateText({ phase, errorCode }: CallButtonState, words: CallWords): string {
  const texts: Record<CallPhase, string> = {
    idle: words.call,
    connecting: words.connecting,
    ringing: words.ringing,
    active: words.inCall,
    ended: words.ended,
    error: errorText(words, errorCode ?? "other"),
  };
  return texts[phase];
}

function endedText(state: CallButtonState, words: CallWords): string {
  const text = stateText(state, words);
  return state.phase === "ended" && state.duration > 0 ? `${text} · ${clock(state.duration)}` : text;
}

function listen(button: HTMLElement, actions: CallButtonActions, name: Exclude<keyof CallButtonActions, "onDigit">): void {
  button.addEventListener("click", () => { actions[name](); });
}
