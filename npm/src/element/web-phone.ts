/**
 * `<web-phone>`: a softphone. Sign in, call and be called, hold, transfer, look up, write.
 *
 * Requests go down to the store, facts come back up as state. Importing this file registers nothing; see `define.ts`.
 */
import { BaseElement, partyName, sheet } from "./base.js";
import { CallEndEvent, CallErrorEvent, CallStartEvent } from "./events.js";
import { digitOf } from "./keypad.js";
import { directionOf, languageOf, loadMessages } from "./messages.js";
import { ENGLISH } from "./phone/english.js";
import type { Login } from "./phone/login.view.js";
import { notify, type ShownNotification } from "./phone/notify.js";
import type { Contact, PhoneState } from "./phone/state.js";
import { PhoneStore } from "./phone/store.js";
import { webPhoneStyles } from "./web-phone.styles.js";
import { WebPhoneView } from "./web-phone.view.js";

let styles: CSSStyleSheet | undefined;

/**
 * A softphone.
 *
 * @attr server - Fills the form's server: `wss://…` or a path on the page's host
 * @attr uri - Fills the form's login and domain from a SIP address
 * @attr login - Fills the form's user name
 * @attr domain - Fills the form's domain
 * @attr display-name - Fills the form's name
 * @attr lang - The language of its words: en, de, es, fr, el, ru, ar, zh, ja. Default: that of the page around it
 * @attr {"light" | "dark" | "auto"} theme - `light`, `dark` or `auto` (the system's). Default: the page's `color-scheme`
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
 * @csspart calls - The calls, where there are several
 * @csspart call-row
 * @csspart answer-waiting
 * @csspart decline-waiting
 * @csspart tabs - The bar at the foot
 * @csspart tab
 * @csspart voicemail
 * @csspart disturb - The moon of do not disturb
 * @csspart transfer
 * @csspart add-call
 * @csspart transfer-form
 * @csspart transfer-target
 * @csspart transfer-now
 * @csspart ask-first
 * @csspart join - Connects two calls
 * @csspart complete - Connects the two that a consultation stands between
 * @csspart merge - Makes a conference of all calls, or ends it for this one
 * @csspart asked - The other side's wish for a transfer
 * @csspart quality
 * @csspart history
 * @csspart history-entry
 * @csspart contacts
 * @csspart contact
 * @csspart chats
 * @csspart chat
 * @csspart entries
 * @csspart entry - A message
 * @csspart settings
 * @cssproperty --switchhook-accent - And the other tokens of `<call-button>`
 * @event {CallStartEvent} callstart - A call begins, in either direction
 * @event {CallEndEvent} callend - A call is over
 * @event {CallErrorEvent} callerror - A call failed
 */
export class WebPhone extends BaseElement {
  static readonly observedAttributes = ["server", "uri", "login", "domain", "display-name", "lang"];

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
  #transferOpen = false;
  #notification: ShownNotification | undefined;
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

  /** Writes somebody into the address book, for whoever is signed in. */
  addContact(contact: Contact): void {
    this.#store.dispatch({ type: "addContact", contact });
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
      ask: (request) => {
        if (request.type === "call") this.call(request.target);
        else this.#store.dispatch(request);
      },
      onKeypad: () => { this.#fold(!this.#keypadOpen, false); },
      onTransferForm: () => {
        this.#fold(false, !this.#transferOpen);
        if (this.#transferOpen) this.#view?.talk.transferForm.first.focus();
      },
      onAgain: () => { this.call(this.#lastTarget); },
    });
  }

  /** Keypad and transfer take each other's place. */
  #fold(keypad: boolean, transfer: boolean): void {
    this.#keypadOpen = keypad;
    this.#transferOpen = transfer;
    this.#render();
  }

  /** The keyboard's digits are the keypad's: they are dialled, or sent during a call. Whoever writes is left in peace. */
  #handleKey(event: KeyboardEvent): void {
    const digits = digitOf(event);
    const { session, view } = this.state;
    if (!digits || session !== "in" || event.composedPath()[0] instanceof HTMLInputElement) return;
    if (view === "talk") this.#store.dispatch({ type: "digits", digits });
    else if (view === "keypad") this.#view?.dial.type(digits);
  }

  #handleState(state: PhoneState, previous: PhoneState): void {
    const { call } = state;
    if (call?.phase !== previous.call?.phase || call?.id !== previous.call?.id) {
      clearInterval(this.#ticking);
      if (call?.phase === "active") this.#ticking = setInterval(() => { this.#tick(); }, 1000);
      this.#keypadOpen = this.#transferOpen = false;
    }
    this.#announce(state, previous);
    this.#render();
  }

  /** A caller is told on the desktop, too, where the person wants that. */
  #announce({ calls, notifications }: PhoneState, previous: PhoneState): void {
    const ringing = calls.find(({ phase }) => phase === "incoming");
    if (ringing?.id === previous.calls.find(({ phase }) => phase === "incoming")?.id) return;
    this.#notification?.close();
    this.#notification = ringing && notifications ? notify(this.#messages.phone.incomingCall, partyName(ringing.remote), `switchhook-${String(ringing.id)}`) : undefined;
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
      transferOpen: this.#transferOpen,
    });
  }
}

/** The form's names of the attributes, where they differ. */
const FIELDS: Record<string, keyof Login> = { "display-name": "displayName" };
