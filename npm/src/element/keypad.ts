/** The twelve keys of a telephone, as buttons that say which digit is wanted; it keeps nothing. */
import { h } from "./base.js";

const KEYS: readonly (readonly [digit: string, letters: string])[] = [
  ["1", ""], ["2", "ABC"], ["3", "DEF"],
  ["4", "GHI"], ["5", "JKL"], ["6", "MNO"],
  ["7", "PQRS"], ["8", "TUV"], ["9", "WXYZ"],
  ["*", ""], ["0", "+"], ["#", ""],
];

/** The keypad's names for a screen reader. */
export interface KeypadWords {
  readonly keypad: string;
  readonly star: string;
  readonly hash: string;
}

/** Makes a keypad; `onDigit` is called for each key. */
export function keypad(onDigit: (digit: string) => void): HTMLElement {
  const keys = KEYS.map(([digit, letters]) => {
    const key = h("button", { type: "button", part: "key", class: "key", "data-digit": digit }, h("span", { class: "digit" }, digit));
    key.append(h("span", { class: "letters" }, letters));
    key.addEventListener("click", () => { onDigit(digit); });
    return key;
  });
  return h("div", { part: "keypad", class: "keypad", role: "group" }, ...keys);
}

/** Names a keypad in the language of `words`. */
export function nameKeypad(pad: HTMLElement, words: KeypadWords): void {
  pad.setAttribute("aria-label", words.keypad);
  pad.querySelector('[data-digit="*"]')?.setAttribute("aria-label", words.star);
  pad.querySelector('[data-digit="#"]')?.setAttribute("aria-label", words.hash);
}

/** The digit a key of the keyboard means on a telephone. */
export function digitOf(event: KeyboardEvent): string | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return undefined;
  return /^[0-9*#]$/.test(event.key) ? event.key : undefined;
}
