/**
 * `<call-button>`: one button that makes a call, and a panel while it lasts.
 *
 * Requests go up as `callrequest`, facts come down from the store. The telephone is fetched when somebody means to use
 * it: on hover, focus or touch. Importing this file registers nothing; see `define.ts`.
 */
import { BaseElement, sheet } from "./base.js";
import { callButtonStyles } from "./call-button.styles.js";
import { CallButtonView } from "./call-button.view.js";
import type { CallPanel } from "./call-panel.js";
import { type CallButtonState, type CallPhase, CallStore } from "./call-store.js";
import { CallEndEvent, CallErrorEvent, CallRequestEvent, CallStartEvent } from "./events.js";
import { isWithin } from "./hours.js";
import type { CallWords } from "./lang/en.call.js";
import { type ButtonWords, directionOf, firstWords, languageOf, loadMessages } from "./messages.js";
import { placeBeside } from "./place.js";
import type { UserAgentOptions } from "../index.js";

let styles: CSSStyleSheet | undefined;

/**
 * A button that calls.
 *
 * @attr server - The SIP server's WebSocket, `wss://…` or a path on the page's host
 * @attr to - The number or SIP address to call
 * @attr label - The words on the button
 * @attr callee - Who is called, as the panel says. Default: the label
 * @attr site-key - The public key of this site at the relay, which gives a token for each call
 * @attr token-url - Where the page gets a token for each call, where that is not the relay: the site's own back end
 * @attr hours - When somebody answers: `Mo-Fr 9:00-12:00,13:00-17:30; Sa 10:00-14:00`. Default: always
 * @attr time-zone - Where these hours are: `Europe/Berlin`. Default: the visitor's
 * @attr uri - The SIP address that calls. For demonstrations: an account in a page is known to every visitor
 * @attr password - Its password. For demonstrations only
 * @attr display-name - The name shown to the other side
 * @attr lang - The language of its words: en, de, es, fr, el, ru, ar, zh, ja. Default: that of the page around it
 * @attr {"light" | "dark" | "auto"} theme - `light`, `dark` or `auto` (the system's). Default: the page's `color-scheme`
 * @prop {string} password - The password of `uri`, where it should not stand in the document
 * @slot - The label, instead of the attribute
 * @slot icon - The icon before the label
 * @slot consent - What has to be agreed to before the first call
 * @slot closed - What is said out of hours
 * @csspart button - The button
 * @csspart label - The words on it, from the attribute
 * @csspart state-text - The text on the button during a call
 * @csspart panel - The panel
 * @csspart avatar - The circle in the panel
 * @csspart name - Whom the call is for
 * @csspart state - Where the call stands, or the time
 * @csspart digits - The digits that were sent
 * @csspart controls - The row of round buttons
 * @csspart mute
 * @csspart keypad-toggle
 * @csspart hang-up
 * @csspart keypad
 * @csspart key
 * @csspart again - "Call again", "Try again"
 * @csspart close
 * @csspart quality - How it sounds
 * @csspart level - How loud the microphone is
 * @csspart devices - The menu of microphone and loudspeaker
 * @csspart consent
 * @csspart agree
 * @csspart closed
 * @csspart sound - "Turn on the sound", where the browser holds it back
 * @cssproperty --switchhook-accent - The button's colour
 * @cssproperty --switchhook-on-accent - The text on it
 * @cssproperty --switchhook-danger - Hang up, and failures
 * @cssproperty --switchhook-on-danger - The text on it
 * @cssproperty --switchhook-surface - The panel
 * @cssproperty --switchhook-ink - The text on it
 * @cssproperty --switchhook-ink-soft - The quieter text on it
 * @cssproperty --switchhook-line - Borders
 * @cssproperty --switchhook-control - Keys and round buttons
 * @cssproperty --switchhook-focus - The focus ring
 * @cssproperty --switchhook-radius - The panel's corners
 * @cssproperty --switchhook-button-radius - The button's corners
 * @cssproperty --switchhook-padding - The button's padding
 * @cssproperty --switchhook-shadow - The button's shadow
 * @cssproperty --switchhook-font - The font
 * @cssstate idle, connecting, ringing, active, ended, error - Where the call stands, for `:state(…)`
 * @event {CallRequestEvent} callrequest - A person wants to call; can be prevented
 * @event {CallStartEvent} callstart - A call begins
 * @event {CallEndEvent} callend - A call is over
 * @event {CallErrorEvent} callerror - A call failed
 */
export class CallButton extends BaseElement {
  static readonly observedAttributes = ["label", "lang", "callee"];

  /** The password of `uri`, where it should not stand in the document. */
  password: string | undefined;

  readonly #store = new CallStore({
    onCall: (call) => { this.dispatchEvent(new CallStartEvent(call)); },
    onEnd: (call, end) => {
      this.dispatchEvent(new CallEndEvent(call, end));
      if (end.error) this.dispatchEvent(new CallErrorEvent(call, end.error));
    },
    onLevel: (level) => { this.#view?.panel?.renderLevel(level); },
  });
  #view: CallButtonView | undefined;
  #internals: ElementInternals | undefined;
  #words: ButtonWords = firstWords("en");
  #all: CallWords | undefined;
  #loading: Promise<void> | undefined;
  #notice: "consent" | "closed" | undefined;
  #hasAgreed = false;
  #language = "en";
  #open = false;
  #keypadOpen = false;
  #connected: AbortController | undefined;
  #ticking: ReturnType<typeof setInterval> | undefined;

  /** Where the call stands. */
  get phase(): CallPhase {
    return this.#store.state.phase;
  }

  get server(): string {
    return this.getAttribute("server") ?? "";
  }

  set server(value: string) {
    this.setAttribute("server", value);
  }

  get to(): string {
    return this.getAttribute("to") ?? "";
  }

  set to(value: string) {
    this.setAttribute("to", value);
  }

  get label(): string {
    return this.getAttribute("label") ?? "";
  }

  set label(value: string) {
    this.setAttribute("label", value);
  }

  get uri(): string {
    return this.getAttribute("uri") ?? "";
  }

  set uri(value: string) {
    this.setAttribute("uri", value);
  }

  /**
   * Calls, unless a call is under way, the page's question waits for an answer, it is out of hours, or `callrequest` is
   * prevented. Best inside a click, so that sound may play.
   */
  call(): void {
    if (this.#store.isBusy) return;
    this.#notice = this.#obstacle();
    if (!this.#notice && !this.dispatchEvent(new CallRequestEvent(this.to))) return;
    this.#keypadOpen = false;
    const audio = document.createElement("audio");
    if (!this.#notice) this.#store.dispatch({ type: "call", options: this.#options(), target: this.to, audio });
    this.#show(true);
    this.#render();
  }

  /** Ends the call, if there is one. */
  hangUp(): void {
    this.#store.dispatch({ type: "hangUp" });
  }

  /** Fetches the telephone and connects, so that a call starts at once. Hover, focus and touch do the same. */
  prepare(): void {
    void this.#loadPanel();
    if (this.server && !this.#store.isBusy) this.#store.dispatch({ type: "prepare", options: this.#options() });
  }

  connectedCallback(): void {
    this.#view ??= this.#build();
    this.#connected = new AbortController();
    const { signal } = this.#connected;
    const unsubscribe = this.#store.subscribe((state, previous) => { this.#handleState(state, previous); });
    signal.addEventListener("abort", unsubscribe);
    for (const type of ["pointerenter", "focusin", "touchstart"]) {
      this.addEventListener(type, () => { this.prepare(); }, { signal, passive: true, once: true });
    }
    this.#speak();
    this.#render();
  }

  /** Taken out of the page, it ends its call; moved within the page, it goes on. */
  disconnectedCallback(): void {
    this.#connected?.abort();
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#show(false);
      this.#store.dispatch({ type: "close" });
      clearInterval(this.#ticking);
    });
  }

  attributeChangedCallback(name: string): void {
    if (!this.isConnected) return;
    if (name === "lang") this.#speak();
    this.#render();
  }

  #build(): CallButtonView {
    const root = this.attachShadow({ mode: "open", delegatesFocus: true });
    root.adoptedStyleSheets = [(styles ??= sheet(callButtonStyles))];
    this.#internals = this.attachInternals();
    const view = new CallButtonView(root, () => { this.#handleTrigger(); }, () => { this.#render(); });
    root.addEventListener("keydown", (event) => { this.#handleKey(event as KeyboardEvent); });
    return view;
  }

  /** Fetches the panel, once. Without it the button itself says what happens. */
  #loadPanel(): Promise<void> {
    this.#loading ??= import("./call-panel.js").then(
      ({ CallPanel, ENGLISH }) => {
        if (!this.#view || !this.shadowRoot) return;
        this.#view.panel = new CallPanel(this.shadowRoot, this.#actions());
        this.#all ??= ENGLISH;
        if (!this.#words.errors) this.#words = { ...ENGLISH, call: this.#words.call };
        if (this.#open) this.#reveal(this.#view.panel);
        this.#render();
      },
      () => { this.#loading = undefined; },
    );
    return this.#loading;
  }

  #actions(): ConstructorParameters<typeof CallPanel>[1] {
    return {
      onHangUp: () => { this.hangUp(); },
      onMute: () => { this.#store.dispatch({ type: "mute", muted: !this.#store.state.muted }); },
      onKeypad: () => { this.#keypadOpen = !this.#keypadOpen; this.#render(); this.#place(); },
      onDigit: (digits) => { this.#store.dispatch({ type: "digits", digits }); },
      onAgain: () => { this.call(); },
      onAgree: () => { this.#hasAgreed = true; this.call(); },
      onClose: () => { this.#dismiss(); },
      onUnlock: () => { this.#store.dispatch({ type: "unlock" }); },
      onDevice: (type, id) => { this.#store.dispatch({ type, id }); },
    };
  }

  /** What has to be done before a call. */
  #obstacle(): "consent" | "closed" | undefined {
    if (!isWithin(this.getAttribute("hours"), this.getAttribute("time-zone") ?? undefined)) return "closed";
    return !this.#hasAgreed && this.querySelector(":scope > [slot=consent]") ? "consent" : undefined;
  }

  #options(): UserAgentOptions {
    const { server, uri } = this;
    const password = this.password ?? this.getAttribute("password") ?? undefined;
    const displayName = this.getAttribute("display-name") ?? undefined;
    const account = { uri, ...(password !== undefined && { password }), ...(displayName !== undefined && { displayName }) };
    const [siteKey, url] = [this.getAttribute("site-key"), this.getAttribute("token-url")];
    const token = { ...(siteKey !== null && { siteKey }), ...(url !== null && { url }) };
    return { server, ...(uri && { account }), ...(Object.keys(token).length > 0 && { token }) };
  }

  #handleTrigger(): void {
    const rests = this.phase === "idle" || this.phase === "ended";
    if (rests && !(this.#notice && this.#open)) this.call();
    else this.#show(!this.#open);
  }

  #handleKey(event: KeyboardEvent): void {
    const { key: digits, ctrlKey, metaKey, altKey } = event;
    if (digits === "Escape" && this.#open) this.#dismiss();
    else if (this.phase === "active" && /^[0-9*#]$/.test(digits) && !(ctrlKey || metaKey || altKey)) this.#store.dispatch({ type: "digits", digits });
  }

  #handleState(state: CallButtonState, previous: CallButtonState): void {
    if (state.phase !== previous.phase) this.#enter(state.phase, previous.phase);
    this.#render();
    if (this.#open) this.#place();
  }

  #enter(phase: CallPhase, previous: CallPhase): void {
    this.#internals?.states.delete(previous);
    this.#internals?.states.add(phase);
    clearInterval(this.#ticking);
    if (phase === "active") this.#ticking = setInterval(() => { this.#view?.renderClock(this.#store.state, this.#words); }, 1000);
    if (phase === "error") this.#show(true);
  }

  /** Puts the panel away; when the call is over, its outcome with it. */
  #dismiss(): void {
    this.#show(false);
    this.#view?.trigger.focus();
    this.#store.dispatch({ type: "dismiss" });
  }

  #show(open: boolean): void {
    if (open === this.#open) return;
    this.#open = open;
    const { panel } = this.#view ?? {};
    if (!open) { panel?.element.hidePopover(); this.#notice = undefined; }
    else if (panel) this.#reveal(panel);
    else void this.#loadPanel();
    this.#render();
  }

  #reveal(panel: CallPanel): void {
    panel.element.showPopover();
    this.#render();
    this.#follow();
  }

  /** Keeps the panel beside the button for as long as it is open. */
  #follow(): void {
    this.#place();
    const stop = new AbortController();
    const place = (): void => {
      if (this.#open && this.isConnected) this.#place();
      else stop.abort();
    };
    addEventListener("resize", place, { signal: stop.signal, passive: true });
    addEventListener("scroll", place, { signal: stop.signal, passive: true, capture: true });
  }

  #place(): void {
    if (this.#view?.panel && this.#open) placeBeside(this.#view.panel.element, this.#view.trigger);
  }

  #speak(): void {
    this.#language = languageOf(this);
    this.#words = this.#language === "en" && this.#all ? this.#all : firstWords(this.#language);
    void loadMessages(this.#language).then((messages) => {
      if (!messages || !this.isConnected) return;
      this.#words = this.#all = messages.call;
      this.#render();
    });
  }

  /** Text between the tags; white space is none. */
  #slottedLabel(): string {
    const nodes = [...this.childNodes].filter((node) => !(node instanceof Element && node.slot));
    return nodes.map((node) => node.textContent).join("").trim();
  }

  #render(): void {
    const slotted = this.#slottedLabel();
    this.#view?.render(this.#store.state, {
      words: this.#words,
      all: this.#all,
      notice: this.#notice,
      label: slotted || this.label,
      callee: this.getAttribute("callee") ?? (slotted || this.label),
      slotted: slotted !== "",
      direction: directionOf(this.#language),
      language: this.#language,
      open: this.#open,
      keypadOpen: this.#keypadOpen,
    });
  }
}
