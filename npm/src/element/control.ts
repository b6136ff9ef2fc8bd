/** The round button with its name below, and how it changes. */
import { h, setText } from "./base.js";
import { icon, type IconName } from "./icons.js";

/** Makes one. */
export function control(name: IconName | SVGElement, part: string, className: string): HTMLButtonElement {
  const drawn = typeof name === "string" ? icon(name) : name;
  return h("button", { type: "button", part, class: className }, h("span", { class: "disc" }, drawn), h("span", { class: "caption" }));
}

/** Names it; works for any button whose last child is its name. */
export function caption(button: HTMLElement, text: string): void {
  if (button.lastElementChild) setText(button.lastElementChild, text);
}

/** Gives it another icon. */
export function setIcon(button: HTMLElement, name: IconName): void {
  const disc = button.firstElementChild;
  if (disc && !disc.querySelector(`.icon-${name}`)) disc.replaceChildren(icon(name));
}
