/** The shadow tree of `<web-phone>` and how it shows a state: who is signed in, and one of three screens. */
import { h, keepFocus, partyName, setText } from "./base.js";
import { icon } from "./icons.js";
import { errorText, type Messages } from "./messages.js";
import { DialScreen } from "./phone-dial.view.js";
import { LoginScreen } from "./phone-login.view.js";
import { TalkScreen } from "./phone-talk.view.js";
import type { PhoneState } from "./phone-store.js";
import type { WebPhoneActions } from "./phone-actions.js";

/** What is shown besides the store's state. */
export interface WebPhonePresentation {
  readonly messages: Messages;
  readonly direction: "ltr" | "rtl";
  readonly language: string;
  readonly keypadOpen: boolean;
}

/** The whole phone. */
export class WebPhoneView {
  readonly login: LoginScreen;
  readonly dial: DialScreen;
  readonly talk: TalkScreen;
  readonly #root: ShadowRoot;
  readonly #own = h("h2", { part: "own", class: "own" });
  readonly #lineText = h("span");
  readonly #line = h("p", { part: "line", class: "line" }, h("span", { class: "lamp" }), this.#lineText);
  readonly #signOut = h("button", { type: "button", part: "sign-out", class: "round" }, icon("leave"));
  readonly #status = h("span", { class: "unseen", role: "status" });
  readonly #phone: HTMLElement;

  constructor(root: ShadowRoot, actions: WebPhoneActions) {
    this.#root = root;
    this.login = new LoginScreen(actions);
    this.dial = new DialScreen(actions);
    this.talk = new TalkScreen(actions);
    this.#signOut.addEventListener("click", () => { actions.onSignOut(); });
    const head = h("div", { part: "head", class: "head" }, h("div", { class: "who" }, this.#own, this.#line), this.#signOut);
    this.#phone = h("section", { part: "phone", class: "phone" }, head, this.login.element, this.dial.element, this.talk.element);
    root.append(this.#phone, this.#status);
  }

  /** What comes first on the screen of `state`. */
  first({ session, call }: PhoneState): HTMLElement {
    if (session !== "in") return this.login.first;
    return call ? this.talk.first : this.dial.first;
  }

  /** Shows `state`. Focus in a control that disappears goes to the first one of the screen that is shown. */
  render(state: PhoneState, shown: WebPhonePresentation): void {
    keepFocus(this.#root, () => this.first(state), () => {
      this.#renderHead(state, shown);
      this.login.element.hidden = state.session === "in";
      this.dial.element.hidden = state.session !== "in" || state.call !== undefined;
      this.talk.element.hidden = state.session !== "in" || state.call === undefined;
      this.login.render(state, shown.messages);
      this.dial.render(shown.messages);
      this.talk.render(state, shown.messages, shown.keypadOpen);
    });
    setText(this.#status, announcement(state, shown.messages));
  }

  #renderHead(state: PhoneState, { messages, direction, language }: WebPhonePresentation): void {
    const { account } = state;
    this.#phone.dir = direction;
    this.#phone.lang = language;
    this.#phone.setAttribute("aria-label", messages.phone.phone);
    this.#line.className = `line ${lamp(state)}`;
    setText(this.#own, account ? partyName(account) : messages.phone.phone);
    setText(this.#lineText, lineText(state, messages));
    this.#signOut.hidden = state.session !== "in";
    this.#signOut.setAttribute("aria-label", messages.phone.signOut);
    this.#signOut.title = messages.phone.signOut;
  }
}

function lamp({ session, connection, registration }: PhoneState): string {
  if (session === "out") return "";
  if (registration === "failed") return "refused";
  return connection === "connected" && registration === "registered" ? "registered" : "working";
}

function lineText({ session, connection, registration }: PhoneState, { phone }: Messages): string {
  if (session === "out") return phone.notRegistered;
  if (connection === "reconnecting") return phone.reconnecting;
  if (connection !== "connected") return phone.connectingToServer;
  const texts = { registered: phone.registered, registering: phone.registering, unregistered: phone.registering, failed: phone.notRegistered };
  return texts[registration];
}

/** What a screen reader is told: the call if there is one, else the line. */
function announcement(state: PhoneState, messages: Messages): string {
  const { call, problem } = state;
  if (problem) return errorText(messages.call, problem);
  if (!call) return state.session === "out" ? "" : lineText(state, messages);
  if (call.phase === "incoming") return `${messages.phone.incomingCall}: ${partyName(call.remote)}`;
  return TalkScreen.stateText(call, messages);
}
