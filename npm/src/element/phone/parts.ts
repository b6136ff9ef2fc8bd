/** The small pieces that the phone's screens share. */
import { h, setText } from "../base.js";
import { phoneIcon, type PhoneIconName } from "./icons.js";

/** A button that is an icon; its name is given with `name`. */
export function iconButton(drawn: PhoneIconName | SVGElement, part: string, onClick: () => void): HTMLButtonElement {
  const button = h("button", { type: "button", part, class: "round" }, typeof drawn === "string" ? phoneIcon(drawn) : drawn);
  button.addEventListener("click", onClick);
  return button;
}

/** Names an icon, for eyes and for screen readers. */
export function name(button: HTMLElement, text: string): void {
  button.setAttribute("aria-label", text);
  button.title = text;
}

/** A text button. */
export function textButton(part: string, className: string, onClick: () => void): HTMLButtonElement {
  const button = h("button", { type: "button", part, class: className });
  button.addEventListener("click", onClick);
  return button;
}

/** A field with its caption above. */
export function field(caption: HTMLElement, input: HTMLElement): HTMLElement {
  return h("label", { class: "field" }, caption, input);
}

/** Shows a list anew when it is another one, and a sentence where it is empty. */
export class ListView<T> {
  readonly element = h("div", { class: "listing" });
  readonly #list: HTMLUListElement;
  readonly #empty = h("p", { class: "empty" });
  readonly #row: (item: T) => HTMLElement;
  #shown: unknown;

  constructor(part: string, row: (item: T) => HTMLElement) {
    this.#list = h("ul", { part, class: "rows" });
    this.#row = row;
    this.element.append(this.#list, this.#empty);
  }

  /** `version` changes whenever a row looks different. */
  render(items: readonly T[], empty: string, ...version: unknown[]): void {
    setText(this.#empty, empty);
    this.#empty.hidden = items.length > 0;
    this.#list.hidden = items.length === 0;
    const shown = [items, ...version];
    if (Array.isArray(this.#shown) && shown.every((each, index) => each === (this.#shown as unknown[])[index])) return;
    this.#shown = shown;
    this.#list.replaceChildren(...items.map((item) => h("li", {}, this.#row(item))));
  }
}

/** When it was: the time of today, else the day. */
export function moment(at: number, language: string): string {
  const then = new Date(at);
  const isToday = then.toDateString() === new Date().toDateString();
  return new Intl.DateTimeFormat(language, isToday ? { timeStyle: "short" } : { dateStyle: "medium" }).format(then);
}
