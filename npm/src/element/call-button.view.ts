/** The button of `<call-button>` and how it shows a state. Its panel is a file of its own, fetched on intent. */
import { clock, h, keepFocus, setText } from "./base.js";
import type { CallPanel } from "./call-panel.js";
import type { CallButtonState, CallPhase } from "./call-store.js";
import { icon } from "./icons.js";
import type { CallWords } from "./lang/en.call.js";
import { type ButtonWords, errorText } from "./messages.js";

/** What is shown besides the store's state. */
export interface CallButtonPresentation {
  readonly words: ButtonWords;
  /** All words, once the panel is there. */
  readonly all: CallWords | undefined;
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
  /** What stands between the person and the call: a question of the page, or its hours. */
  readonly notice: "consent" | "closed" | undefined;
}

const PULSING: readonly CallPhase[] = ["connecting", "ringing"];

/** The parts of the tree that change. */
export class CallButtonView {
  readonly trigger = h("button", { type: "button", part: "button", class: "trigger" });
  /** Once it is there. */
  panel: CallPanel | undefined;
  readonly #status = h("span", { class: "unseen", role: "status" });
  readonly #text = h("span", { part: "state-text", class: "away" });
  readonly #slot = h("slot");
  readonly #label = h("span", { part: "label" });
  readonly #title = h("span", {}, this.#label, this.#slot);
  readonly #root: ShadowRoot;

  /** `onLabel`: what is written between the tags changed. */
  constructor(root: ShadowRoot, onTrigger: () => void, onLabel: () => void) {
    this.#root = root;
    this.trigger.append(h("slot", { name: "icon" }, icon("phone")), h("span", { class: "words" }, this.#title, this.#text));
    this.trigger.addEventListener("click", onTrigger);
    this.#slot.addEventListener("slotchange", onLabel);
    root.append(this.trigger, this.#status);
  }

  /** Shows `state`. Focus in a control that disappears goes to the main button. */
  render(state: CallButtonState, shown: CallButtonPresentation): void {
    keepFocus(this.#root, () => this.trigger, () => {
      this.#renderTrigger(state, shown);
      if (shown.all) this.panel?.render(state, shown, shown.all);
    });
    setText(this.#status, state.phase === "idle" ? "" : stateText(state, shown.words));
    this.renderClock(state, shown.words);
  }

  /** Shows the time that passed; not part of what a screen reader is told. */
  renderClock(state: CallButtonState, words: ButtonWords): void {
    const text = clockText(state);
    setText(this.#text, text || (state.phase === "error" ? words.failed : stateText(state, words)));
    this.panel?.renderClock(state, words);
  }

  #renderTrigger({ phase }: CallButtonState, { label, slotted, words, open, direction, language }: CallButtonPresentation): void {
    this.trigger.className = `trigger ${mood(phase)}`;
    this.trigger.dir = direction;
    this.trigger.lang = language;
    if (phase === "idle" && !open) this.trigger.removeAttribute("aria-expanded");
    else this.trigger.setAttribute("aria-expanded", String(open));
    const rests = phase === "idle" || phase === "ended";
    this.#text.classList.toggle("away", rests);
    this.#title.classList.toggle("away", !rests);
    this.#label.hidden = slotted;
    this.#slot.hidden = !slotted;
    setText(this.#label, label || words.call);
  }
}

/** The class that gives a phase its looks. */
export function mood(phase: CallPhase): string {
  if (phase === "error") return "failed";
  return PULSING.includes(phase) ? "pulsing" : phase;
}

/** How long they talk; nothing outside of a conversation. */
export function clockText({ answeredAt, phase }: CallButtonState): string {
  return answeredAt !== undefined && phase === "active" ? clock(Date.now() - answeredAt) : "";
}

/** Where a call stands, in words. */
export function stateText({ phase, errorCode }: CallButtonState, words: ButtonWords): string {
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
