/** The screen of `<web-phone>` with the calls that were. */
import { clock, h, setText } from "../base.js";
import { icon } from "../icons.js";
import type { Messages } from "../messages.js";
import type { WebPhoneActions } from "./actions.js";
import { ENGLISH } from "./english.js";
import { phoneIcon, type PhoneIconName } from "./icons.js";
import { ListView, moment, textButton } from "./parts.js";
import { bareAddress, type HistoryEntry, type PhoneState } from "./state.js";

/** Who, when, and a button that calls again. */
export class HistoryScreen {
  readonly element: HTMLElement;
  readonly #list: ListView<HistoryEntry>;
  readonly #clear: HTMLButtonElement;
  #messages = ENGLISH;
  #language = "en";

  constructor(actions: WebPhoneActions) {
    this.#list = new ListView("history", { key: ({ at, uri }) => `${String(at)} ${uri}`, row: (entry) => this.#row(entry, actions) });
    this.#clear = textButton("clear-history", "wide quiet", () => { actions.ask({ type: "clearHistory" }); });
    this.element = h("div", { class: "screen list" }, this.#list.element, this.#clear);
  }

  render({ history }: PhoneState, messages: Messages, language: string): void {
    this.#messages = messages;
    this.#language = language;
    this.#list.render(history, messages.phone.noHistory, messages);
    this.#clear.hidden = history.length === 0;
    setText(this.#clear, messages.phone.clearHistory);
  }

  #row(entry: HistoryEntry, actions: WebPhoneActions): HTMLElement {
    const { direction, missed, at, duration } = entry;
    const { call, phone } = this.#messages;
    const kind: PhoneIconName = missed ? "missed" : direction;
    const kindText = missed ? phone.missed : direction === "incoming" ? phone.incoming : phone.outgoing;
    const text = [kindText, moment(at, this.#language), duration > 0 ? clock(duration) : ""].filter((part) => part).join(" · ");
    const button = h("button", { type: "button", part: "history-entry", class: `row${missed ? " missed" : ""}` },
      h("span", { class: "unseen" }, call.call),
      phoneIcon(kind), h("span", { class: "grow two" }, h("strong", { dir: "auto" }, entry.name), h("span", {}, text)), icon("phone"));
    button.addEventListener("click", () => { actions.ask({ type: "call", target: bareAddress(entry.uri) }); });
    return button;
  }
}
