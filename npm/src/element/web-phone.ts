/**
 * `<web-phone>`: a softphone. Sign in, call and be called, mute, hold, send digits.
 *
 * Requests go down to the store, facts come back up as state. Importing this file registers nothing; see `define.ts`.
 */
import { BaseElement, sheet } from "./base.js";
import { CallEndEvent, CallErrorEvent, CallStartEvent } from "./events.js";
import { digitOf } from "./keypad.js";
import { call as callWords } from "./lang/en.call.js";
import { phone as phoneWords } from "./lang/en.phone.js";
import { directionOf, languageOf, loadMessages, type Messages } from "./messages.js";
import type { Login } from "./phone-login.view.js";
import { type PhoneState, PhoneStore } from "./phone-store.js";
import { webPhoneStyles } from "./web-phone.styles.js";
import { WebPhoneView } from "./web-phone.view.js";

const ENGLISH: Messages = { call: callWords, phone: phoneWords };

let styles: CSSStyleSheet | undefined;

/**
 * A softphone.
 *
 * @attr server - Fills the form's server: `wss://…` or a path on the page's host
 * @attr uri - Fills the form's SIP address
 * @attr display-name - Fills the form's name
 * @attr lang - The language of its words: en, de, es, fr, el, ru, ar, zh, ja. Default: that of the page around it
 * @attr theme - `light`, `dark` or `auto` (the system's). Default: the page's `color-scheme`
 * @csspart phone - The card
 * @csspart head - Who is signed in
 * @csspart own
 * @csspart line - The state of the registration
 * @csspart sign-out
 * @csspart login - The form
 * @csspart problem - Why signing in failed
 * @csspart sign-in
 * @csspart dial - The screen with the number
 * @csspart display
 * @csspart number
 * @csspart delete
 * @csspart call
 * @csspart talk - The screen of a call
 * @csspart avatar
 * @csspart name
 * @csspart address
 * @csspart state - Where the call stands, or the time
 * @csspart digits - The digits that were sent
 * @csspart controls
 * @csspart mute
 * @csspart hold
 * @csspart keypad-toggle
 * @csspart decline
 * @csspart answer
 * @csspart hang-up
 * @csspart keypad
 * @csspart key
 * @csspart again
 * @csspart close
 * @csspart sound
 * @cssproperty --switchhook-accent - And the other tokens of `<call-button>`
 * @event callstart - A call begins, in either direction
 * @event callend - A call is over
 * @event callerror - A call failed
 */
export class WebPhone extends BaseElement {
  static readonly observedAttributes = ["server", "uri", "display-name", "lang"];

  readonly #store = new PhoneStore({
    onCall: (call) => { this.dispatchEvent(new CallStartEvent(call)); },
    onEnd: (call, end) => {
      this.dispatchEvent(new CallEndEvent(call, end));
      if (end.error) this.dispatchEvent(new CallErrorEvent(call, end.error));
    },
  });
  #view: WebPhoneView | undefined;
  #messages = ENGLISH;
  #language = "en";
  #keypadOpen = false;
  #unsubscribe: (() => void) | undefined;
  #ticking: ReturnType<typeof setInterval> | undefined;
  #lastTarget = "";

  /** Everything the phone shows. */
  get state(): Readonly<PhoneState> {
    return this.#store.state;
  }

  /** Fills the form; nothing is sent before a person, or `signIn()`, signs in. */
  fill(login: Login): void {
    this.#build().login.fill(login);
  }

  /** Signs in with what the form holds. */
  signIn(): void {
    this.#build().login.element.requestSubmit();
  }

  /** Hangs up, withdraws the registration and shows the form. */
  signOut(): void {
    this.#store.dispatch({ type: "signOut" });
  }

  /** Puts a number into the display. */
  dial(number: string): void {
    this.#build().dial.number = number;
  }

  /** Calls a number or a SIP address. */
  call(target: string): void {
    this.#lastTarget = target;
    this.#store.dispatch({ type: "call", target });
  }

  /** Focuses what comes first on the screen that is shown: an empty field, the number, hang up. */
  override focus(options?: FocusOptions): void {
    this.#build().first(this.state).focus(options);
  }

  connectedCallback(): void {
    this.#build();
    this.#unsubscribe ??= this.#store.subscribe((state, previous) => { this.#handleState(state, previous); });
    this.#speak();
    this.#render();
  }

  /** Taken out of the page, it signs out; moved within the page, it goes on. */
  disconnectedCallback(): void {
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.signOut();
      this.#unsubscribe?.();
      this.#unsubscribe = undefined;
      clearInterval(this.#ticking);
    });
  }

  attributeChangedCallback(name: string, _previous: string | null, value: string | null): void {
    if (name === "lang") this.#speak();
    else if (value !== null) this.fill({ [FIELDS[name] ?? name]: value });
  }

  #build(): WebPhoneView {
    return (this.#view ??= this.#make());
  }

  #make(): WebPhoneView {
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [(styles ??= sheet(webPhoneStyles))];
    root.addEventListener("keydown", (event) => { this.#handleKey(event as KeyboardEvent); });
    return new WebPhoneView(root, {
      onSignIn: (server, account) => { this.#store.dispatch({ type: "signIn", server, account }); },
      onSignOut: () => { this.signOut(); },
      onCall: (target) => { this.call(target); },
      onAnswer: () => { this.#store.dispatch({ type: "answer" }); },
      onDecline: () => { this.#store.dispatch({ type: "decline" }); },
      onHangUp: () => { this.#store.dispatch({ type: "hangUp" }); },
      onMute: () => { this.#store.dispatch({ type: "mute", muted: !this.state.call?.muted }); },
      onHold: () => { this.#store.dispatch({ type: "hold", held: !this.state.call?.held.local }); },
      onKeypad: () => { this.#keypadOpen = !this.#keypadOpen; this.#render(); },
      onDigit: (digits) => { this.#store.dispatch({ type: "digits", digits }); },
      onAgain: () => { this.call(this.#lastTarget); },
      onClose: () => { this.#store.dispatch({ type: "dismiss" }); },
      onUnlock: () => { this.#store.dispatch({ type: "unlock" }); },
    });
  }

  /** The keyboard's digits are the keypad's: they are dialled, or sent during a call. */
  #handleKey(event: KeyboardEvent): void {
    const digit = digitOf(event);
    const { session, call } = this.state;
    if (!digit || session !== "in") return;
    if (call) this.#store.dispatch({ type: "digits", digits: digit });
    else if (this.#view && !this.#view.dial.hasFocus) this.#view.dial.type(digit);
  }

  #handleState(state: PhoneState, previous: PhoneState): void {
    const phase = state.call?.phase;
    if (phase !== previous.call?.phase) {
      clearInterval(this.#ticking);
      if (phase === "active") this.#ticking = setInterval(() => { this.#tick(); }, 1000);
      else this.#keypadOpen = false;
    }
    this.#render();
  }

  #tick(): void {
    const { call } = this.state;
    if (call) this.#view?.talk.renderClock(call, this.#messages);
  }

  #speak(): void {
    this.#language = languageOf(this);
    this.#messages = ENGLISH;
    void loadMessages(this.#language).then((messages) => {
      this.#messages = messages ?? ENGLISH;
      this.#render();
    });
  }

  #render(): void {
    this.#view?.render(this.state, {
      messages: this.#messages,
      direction: directionOf(this.#language),
      language: this.#language,
      keypadOpen: this.#keypadOpen,
    });
  }
}

/** The form's names of the attributes, where they differ. */
const FIELDS: Record<string, keyof Login> = { "display-name": "displayName" };
