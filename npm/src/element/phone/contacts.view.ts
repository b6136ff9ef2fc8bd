/** The screen of `<web-phone>` with the address book and what each one does just now. */
import { h, setText } from "../base.js";
import { icon } from "../icons.js";
import type { Messages } from "../messages.js";
import type { WebPhoneActions } from "./actions.js";
import { ENGLISH } from "./english.js";
import { field, iconButton, ListView, name } from "./parts.js";
import { bareAddress, type Contact, type Lamp, type PhoneState } from "./state.js";

/** Names with lamps, and a form for another one. */
export class ContactsScreen {
  readonly element: HTMLElement;
  readonly #list: ListView<Contact>;
  readonly #captions = [h("span"), h("span")] as const;
  readonly #name = h("input", { name: "contact-name", type: "text", required: true, autocomplete: "off", dir: "auto" });
  readonly #uri = h("input", { name: "contact-uri", type: "text", required: true, inputmode: "tel", autocomplete: "off", autocapitalize: "off", spellcheck: "false", dir: "ltr" });
  readonly #summary = h("summary");
  readonly #save = h("button", { type: "submit", part: "save-contact", class: "wide" });
  readonly #form: HTMLDetailsElement;
  #messages = ENGLISH;
  #lamps: Readonly<Record<string, Lamp>> = {};

  constructor(actions: WebPhoneActions) {
    this.#list = new ListView("contacts", {
      key: ({ uri, name: who }) => `${uri} ${who}`,
      look: (contact) => this.#lampOf(contact),
      row: (contact) => this.#row(contact, actions),
    });
    const form = h("form", { class: "stack" }, h("div", { class: "pair" }, field(this.#captions[0], this.#name), field(this.#captions[1], this.#uri)), this.#save);
    this.#form = h("details", { part: "new-contact" }, this.#summary, form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      actions.ask({ type: "addContact", contact: { name: this.#name.value.trim(), uri: bareAddress(this.#uri.value.trim()) } });
      form.reset();
      this.#name.focus();
    });
    this.element = h("div", { class: "screen list" }, this.#list.element, this.#form);
  }

  /** The new contact's name where the form is open, else what opens it. */
  get first(): HTMLElement {
    return this.#form.open ? this.#name : this.#summary;
  }

  render({ contacts, lamps }: PhoneState, messages: Messages): void {
    const { phone } = messages;
    this.#messages = messages;
    this.#lamps = lamps;
    this.#list.render(contacts, phone.noContacts, messages);
    setText(this.#summary, phone.addContact);
    setText(this.#captions[0], phone.name);
    setText(this.#captions[1], phone.number);
    setText(this.#save, phone.save);
  }

  #lampOf({ uri }: Contact): Lamp {
    return this.#lamps[uri] ?? "unknown";
  }

  #row(contact: Contact, actions: WebPhoneActions): HTMLElement {
    const { uri } = contact;
    const lamp = this.#lampOf(contact);
    const { call: words, phone } = this.#messages;
    const call = h("button", { type: "button", part: "contact", class: "row" }, h("span", { class: "unseen" }, words.call),
      h("span", { class: `lamp ${lamp}` }), h("span", { class: "grow two" }, h("strong", { dir: "auto" }, contact.name), h("span", {}, phone.lamps[lamp])), icon("phone"));
    call.addEventListener("click", () => { actions.ask({ type: "call", target: uri }); });
    const write = iconButton("chat", "write", () => { actions.ask({ type: "chat", uri }); });
    const remove = iconButton("remove", "remove-contact", () => { actions.ask({ type: "removeContact", contact }); });
    name(write, `${phone.writeTo} ${contact.name}`);
    name(remove, `${phone.remove} ${contact.name}`);
    return h("div", { class: "with-actions" }, call, write, remove);
  }
}
