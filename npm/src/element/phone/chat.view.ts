/** The screen of `<web-phone>` with the messages: all conversations, or one of them. */
import { h, setText } from "../base.js";
import { icon } from "../icons.js";
import type { Messages } from "../messages.js";
import type { WebPhoneActions } from "./actions.js";
import { ENGLISH } from "./english.js";
import { phoneIcon } from "./icons.js";
import { iconButton, ListView, moment, name } from "./parts.js";
import { bareAddress, type Chat, type ChatEntry, type PhoneState } from "./state.js";

/** Conversations. */
export class ChatScreen {
  readonly element: HTMLElement;
  readonly #overview: HTMLElement;
  readonly #chats: ListView<Chat>;
  readonly #thread: HTMLElement;
  readonly #entries: ListView<ChatEntry>;
  readonly #who = h("h3", { class: "grow" });
  readonly #back: HTMLButtonElement;
  readonly #call: HTMLButtonElement;
  readonly #text = h("input", { part: "text", name: "text", type: "text", autocomplete: "off", required: true, dir: "auto" });
  readonly #send = h("button", { type: "submit", part: "send", class: "round accept" }, phoneIcon("send"));
  readonly #to = h("input", { part: "write-to", name: "write-to", type: "text", required: true, inputmode: "email", autocomplete: "off", autocapitalize: "off", spellcheck: "false", dir: "ltr" });
  readonly #begin = h("button", { type: "submit", part: "begin", class: "round" }, phoneIcon("add"));
  #messages = ENGLISH;
  #language = "en";
  #open = "";

  constructor({ ask }: WebPhoneActions) {
    this.#chats = new ListView("chats", { key: ({ uri }) => uri, row: (chat) => this.#chatRow(chat, () => { ask({ type: "chat", uri: chat.uri }); }) });
    this.#entries = new ListView("entries", { key: ({ at, text }) => `${String(at)} ${text}`, row: (entry) => this.#bubble(entry) });
    this.#back = iconButton("back", "back", () => { ask({ type: "chat", uri: undefined }); });
    this.#call = iconButton(icon("phone"), "call-chat", () => { ask({ type: "call", target: this.#open }); });
    const begin = h("form", { class: "compose" }, this.#to, this.#begin);
    const compose = h("form", { class: "compose" }, this.#text, this.#send);
    begin.addEventListener("submit", (event) => { event.preventDefault(); ask({ type: "chat", uri: this.#to.value.trim() }); begin.reset(); });
    compose.addEventListener("submit", (event) => { event.preventDefault(); ask({ type: "message", uri: this.#open, text: this.#text.value }); compose.reset(); });
    this.#overview = h("div", { class: "fill" }, this.#chats.element, begin);
    this.#thread = h("div", { class: "fill" }, h("div", { class: "bar" }, this.#back, this.#who, this.#call), this.#entries.element, compose);
    this.#entries.element.classList.add("thread");
    this.element = h("div", { class: "screen list" }, this.#overview, this.#thread);
  }

  /** The text that is written, or to whom. */
  get first(): HTMLElement {
    return this.#overview.hidden ? this.#text : this.#to;
  }

  render({ chats, chat: open }: PhoneState, messages: Messages, language: string, nameOf: (party: { uri: string; displayName?: string }) => string): void {
    const { phone } = messages;
    this.#messages = messages;
    this.#language = language;
    const isOther = this.#open !== (open ?? "");
    this.#open = open ?? "";
    this.#overview.hidden = open !== undefined;
    this.#thread.hidden = open === undefined;
    this.#chats.render(chats, phone.noMessages, messages);
    const chat = chats.find(({ uri }) => uri === open);
    const entries = chat?.entries ?? NONE;
    const before = this.#entries.element.scrollHeight;
    this.#entries.render(entries, "", messages);
    if (isOther || this.#entries.element.scrollHeight !== before) this.#entries.element.scrollTop = this.#entries.element.scrollHeight;
    setText(this.#who, open === undefined ? "" : nameOf({ uri: open, displayName: chat?.name ?? open }));
    this.#speak(messages);
  }

  #speak({ call, phone }: Messages): void {
    name(this.#back, phone.messages);
    name(this.#call, call.call);
    name(this.#send, phone.send);
    name(this.#begin, phone.newMessage);
    this.#text.placeholder = phone.writeMessage;
    this.#text.setAttribute("aria-label", phone.writeMessage);
    this.#to.placeholder = phone.number;
    this.#to.setAttribute("aria-label", `${phone.newMessage}: ${phone.number}`);
  }

  #chatRow({ name: who, uri, unread, entries }: Chat, onClick: () => void): HTMLElement {
    const last = entries.at(-1);
    const count = h("span", { class: "badge" }, String(unread));
    count.hidden = unread === 0;
    const button = h("button", { type: "button", part: "chat", class: "row" },
      h("span", { class: "grow two" }, h("strong", { dir: "auto" }, who || bareAddress(uri)), h("span", { dir: "auto" }, last?.text ?? "")), count);
    button.addEventListener("click", onClick);
    return button;
  }

  #bubble({ mine, text, at, state }: ChatEntry): HTMLElement {
    const phone = this.#messages.phone;
    const note = { sent: moment(at, this.#language), sending: phone.sending, failed: phone.notSent }[state];
    return h("div", { part: "entry", class: `bubble ${mine ? "mine" : "theirs"} ${state}` }, h("p", { dir: "auto" }, text), h("small", {}, note));
  }
}

const NONE: readonly ChatEntry[] = [];
