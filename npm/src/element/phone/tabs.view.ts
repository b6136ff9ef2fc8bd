/** The bar at the foot of `<web-phone>`: keypad, history, contacts, messages, settings. */
import { h, setText } from "../base.js";
import { icon } from "../icons.js";
import type { Messages } from "../messages.js";
import type { WebPhoneActions } from "./actions.js";
import { phoneIcon } from "./icons.js";
import { type PhoneState, type PhoneTab, TABS } from "./state.js";

interface Tab {
  readonly button: HTMLButtonElement;
  readonly caption: HTMLElement;
  readonly badge: HTMLElement;
}

/** The tabs. */
export class TabBar {
  readonly element: HTMLElement;
  readonly #tabs: readonly (readonly [PhoneTab, Tab])[];

  constructor(actions: WebPhoneActions) {
    this.#tabs = TABS.map((tab) => {
      const [caption, badge] = [h("span", { class: "caption" }), h("span", { class: "badge" })];
      const button = h("button", { type: "button", part: `tab tab-${tab}` }, tab === "keypad" ? icon("keypad") : phoneIcon(tab === "messages" ? "chat" : tab), badge, caption);
      button.addEventListener("click", () => { actions.ask({ type: "view", view: tab }); });
      return [tab, { button, caption, badge }] as const;
    });
    this.element = h("nav", { part: "tabs", class: "tabs" }, ...this.#tabs.map(([, { button }]) => button));
  }

  /** The tab that is shown. */
  get first(): HTMLElement {
    const [, first] = this.#tabs.find(([, { button }]) => button.hasAttribute("aria-current")) ?? this.#tabs[0] ?? [];
    return first?.button ?? this.element;
  }

  render({ session, view, chats }: PhoneState, { call, phone }: Messages): void {
    const names: Record<PhoneTab, string> = { keypad: call.keypad, history: phone.history, contacts: phone.contacts, messages: phone.messages, settings: phone.settings };
    const unread = chats.reduce((sum, chat) => sum + chat.unread, 0);
    this.element.hidden = session !== "in";
    this.element.setAttribute("aria-label", phone.phone);
    for (const [tab, { button, caption, badge }] of this.#tabs) {
      if (tab === view) button.setAttribute("aria-current", "page");
      else button.removeAttribute("aria-current");
      setText(caption, names[tab]);
      badge.hidden = tab !== "messages" || unread === 0;
      setText(badge, badge.hidden ? "" : String(unread));
    }
  }
}
