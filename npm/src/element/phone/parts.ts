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

/** What a list shows of its items. */
export interface Rows<T> {
  /** Which item it is, as long as it is listed. */
  key(item: T): string;
  /** Changes with what its row shows; without it the item itself does. */
  look?(item: T): unknown;
  row(item: T): HTMLElement;
}

interface Row {
  readonly look: readonly unknown[];
  readonly element: HTMLLIElement;
}

/** Shows a list, and a sentence where it is empty. A row that looks the same stays, and with it the focus inside. */
export class ListView<T> {
  readonly element = h("div", { class: "listing" });
  readonly #list: HTMLUListElement;
  readonly #empty = h("p", { class: "empty" });
  readonly #rows: Rows<T>;
  #shown = new Map<string, Row>();

  constructor(part: string, rows: Rows<T>) {
    this.#list = h("ul", { part, class: "rows" });
    this.#rows = rows;
    this.element.append(this.#list, this.#empty);
  }

  /** `version` changes whenever all rows look different. */
  render(items: readonly T[], empty: string, ...version: unknown[]): void {
    setText(this.#empty, empty);
    this.#empty.hidden = items.length > 0;
    this.#list.hidden = items.length === 0;
    const shown = new Map<string, Row>();
    for (const item of items) {
      let key = this.#rows.key(item);
      while (shown.has(key)) key += "+";
      shown.set(key, this.#row(key, item, version));
    }
    const elements = [...shown.values()].map(({ element }) => element);
    const before = this.#shown;
    this.#shown = shown;
    if (elements.length === this.#list.children.length && elements.every((element, index) => element === this.#list.children[index])) return;
    const focused = this.#focused(before);
    this.#list.replaceChildren(...elements);
    focused?.();
  }

  #row(key: string, item: T, version: readonly unknown[]): Row {
    const look = [this.#rows.look ? this.#rows.look(item) : item, ...version];
    const row = this.#shown.get(key);
    const isSame = row?.look.length === look.length && look.every((each, index) => each === row.look[index]);
    return isSame ? row : { look, element: h("li", {}, this.#rows.row(item)) };
  }

  /** Where focus is inside a row: puts it there again, or on the row that took its place. */
  #focused(before: ReadonlyMap<string, Row>): (() => void) | undefined {
    const { activeElement } = this.#list.getRootNode() as ShadowRoot;
    const keys = [...before.keys()];
    const index = keys.findIndex((key) => before.get(key)?.element.contains(activeElement));
    if (index < 0) return undefined;
    const part = activeElement?.getAttribute("part") ?? "";
    return () => {
      const next = this.#shown.get(keys[index] ?? "")?.element ?? this.#list.children[Math.min(index, this.#list.children.length - 1)];
      next?.querySelector<HTMLElement>(`[part="${part}"]`)?.focus();
    };
  }
}

/** When it was: the time of today, else the day. */
export function moment(at: number, language: string): string {
  const then = new Date(at);
  const isToday = then.toDateString() === new Date().toDateString();
  return new Intl.DateTimeFormat(language, isToday ? { timeStyle: "short" } : { dateStyle: "medium" }).format(then);
}
