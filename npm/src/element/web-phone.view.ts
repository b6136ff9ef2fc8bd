/** The shadow tree of `<web-phone>` and how it shows a state: who is signed in, the calls, and one of its screens. */
import { h, keepFocus, partyName, setText } from "./base.js";
import { errorText, type Messages } from "./messages.js";
import type { WebPhoneActions } from "./phone/actions.js";
import { CallsBar } from "./phone/calls.view.js";
import { ChatScreen } from "./phone/chat.view.js";
import { ContactsScreen } from "./phone/contacts.view.js";
import { DialScreen } from "./phone/dial.view.js";
import { HistoryScreen } from "./phone/history.view.js";
import { phoneIcon } from "./phone/icons.js";
import { LoginScreen } from "./phone/login.view.js";
import { name } from "./phone/parts.js";
import { SettingsScreen } from "./phone/settings.view.js";
import { bareAddress, type PhoneState } from "./phone/state.js";
import { TabBar } from "./phone/tabs.view.js";
import { type TalkFolds, TalkScreen } from "./phone/talk.view.js";
import { icon } from "./icons.js";

/** What is shown besides the store's state. */
export interface WebPhonePresentation extends TalkFolds {
  readonly messages: Messages;
  readonly direction: "ltr" | "rtl";
  readonly language: string;
}

/** The whole phone. */
export class WebPhoneView {
  readonly login: LoginScreen;
  readonly dial: DialScreen;
  readonly talk: TalkScreen;
  readonly #root: ShadowRoot;
  readonly #history: HistoryScreen;
  readonly #contacts: ContactsScreen;
  readonly #chat: ChatScreen;
  readonly #settings: SettingsScreen;
  readonly #calls: CallsBar;
  readonly #tabs: TabBar;
  readonly #own = h("h2", { part: "own", class: "own" });
  readonly #lineText = h("span");
  readonly #line = h("p", { part: "line", class: "line" }, h("span", { class: "lamp" }), this.#lineText);
  readonly #voicemailCount = h("span", { class: "badge" });
  readonly #voicemail = h("button", { type: "button", part: "voicemail", class: "round" }, phoneIcon("voicemail"), this.#voicemailCount);
  readonly #moon = h("span", { part: "disturb", class: "moon", role: "img" }, phoneIcon("moon"));
  readonly #signOut = h("button", { type: "button", part: "sign-out", class: "round" }, icon("leave"));
  readonly #status = h("span", { class: "unseen", role: "status" });
  readonly #phone: HTMLElement;

  constructor(root: ShadowRoot, actions: WebPhoneActions) {
    this.#root = root;
    this.login = new LoginScreen(actions);
    this.dial = new DialScreen(actions);
    this.talk = new TalkScreen(actions);
    this.#history = new HistoryScreen(actions);
    this.#contacts = new ContactsScreen(actions);
    this.#chat = new ChatScreen(actions);
    this.#settings = new SettingsScreen(actions);
    this.#calls = new CallsBar(actions);
    this.#tabs = new TabBar(actions);
    this.#signOut.addEventListener("click", () => { actions.ask({ type: "signOut" }); });
    this.#voicemail.addEventListener("click", () => { actions.ask({ type: "callVoicemail" }); });
    const head = h("div", { part: "head", class: "head" }, h("div", { class: "who" }, this.#own, this.#line), this.#moon, this.#voicemail, this.#signOut);
    const screens = [this.login, this.dial, this.talk, this.#history, this.#contacts, this.#chat, this.#settings].map(({ element }) => element);
    this.#phone = h("section", { part: "phone", class: "phone" }, head, this.#calls.element, ...screens, this.#tabs.element);
    root.append(this.#phone, this.#status);
  }

  /** What comes first on the screen of `state`. */
  first({ session, view }: PhoneState): HTMLElement {
    if (session !== "in") return this.login.first;
    const screens = { talk: this.talk, keypad: this.dial, history: this.#tabs, contacts: this.#contacts, messages: this.#chat, settings: this.#settings };
    return screens[view].first;
  }

  /** Shows `state`. Focus in a control that disappears goes to the first one of the screen that is shown. */
  render(state: PhoneState, shown: WebPhonePresentation): void {
    const { messages, language } = shown;
    const nameOf = (party: { uri: string; displayName?: string }): string => contactName(state, party.uri) ?? partyName(party);
    keepFocus(this.#root, () => this.first(state), () => {
      this.#renderHead(state, shown);
      this.#showScreen(state);
      this.login.render(state, messages);
      this.dial.render(messages);
      this.talk.render(state, messages, state.call ? nameOf(state.call.remote) : "", shown);
      this.#history.render(state, messages, language);
      this.#contacts.render(state, messages);
      this.#chat.render(state, messages, language, nameOf);
      this.#settings.render(state, messages);
      this.#calls.render(state, messages, ({ remote }) => nameOf(remote));
      this.#tabs.render(state, messages);
    });
    setText(this.#status, announcement(state, messages));
  }

  #showScreen({ session, view }: PhoneState): void {
    const screens = { talk: this.talk, keypad: this.dial, history: this.#history, contacts: this.#contacts, messages: this.#chat, settings: this.#settings };
    this.login.element.hidden = session === "in";
    for (const [name, { element }] of Object.entries(screens)) element.hidden = session !== "in" || name !== view;
  }

  #renderHead(state: PhoneState, { messages, direction, language }: WebPhonePresentation): void {
    const { account, voicemail, session, doNotDisturb } = state;
    const { phone } = messages;
    this.#phone.dir = direction;
    this.#phone.lang = language;
    this.#phone.setAttribute("aria-label", phone.phone);
    this.#line.className = `line ${lamp(state)}`;
    setText(this.#own, account ? partyName(account) : phone.phone);
    setText(this.#lineText, lineText(state, messages));
    this.#signOut.hidden = session !== "in";
    name(this.#signOut, phone.signOut);
    this.#moon.hidden = !doNotDisturb;
    name(this.#moon, phone.doNotDisturb);
    this.#voicemail.hidden = voicemail === undefined;
    this.#voicemail.classList.toggle("waiting", voicemail?.waiting ?? false);
    this.#voicemailCount.hidden = !voicemail?.waiting || voicemail.count === 0;
    setText(this.#voicemailCount, this.#voicemailCount.hidden ? "" : String(voicemail?.count));
    name(this.#voicemail, voicemail?.waiting ? `${phone.voicemail}: ${String(voicemail.count)}` : phone.voicemail);
  }
}

function contactName({ contacts }: PhoneState, uri: string): string | undefined {
  return contacts.find((contact) => bareAddress(contact.uri) === bareAddress(uri))?.name;
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

/** What a screen reader is told: who rings, else the call if there is one, else the line. */
function announcement(state: PhoneState, messages: Messages): string {
  const { calls, call, problem } = state;
  if (problem) return errorText(messages.call, problem, messages.phone.errors);
  const ringing = calls.find(({ phase }) => phase === "incoming");
  if (ringing) return `${messages.phone.incomingCall}: ${contactName(state, ringing.remote.uri) ?? partyName(ringing.remote)}`;
  if (call) return TalkScreen.stateText(call, messages);
  return state.session === "out" ? "" : lineText(state, messages);
}
