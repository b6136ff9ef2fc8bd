/** What both elements stand on: a base class that exists on a server too, and the few words of DOM they use. */

/** `HTMLElement`, or a plain class where there is no DOM, so that importing an element is always safe. */
export const BaseElement: typeof HTMLElement =
  (globalThis as { HTMLElement?: typeof HTMLElement }).HTMLElement ?? (Object as unknown as typeof HTMLElement);

type Attributes = Record<string, string | boolean>;

/** Makes an element; `true` is an attribute without a value, `false` none at all. No HTML text is ever parsed. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** A constructed style sheet for a shadow root: allowed under any `style-src`. */
export function sheet(css: string): CSSStyleSheet {
  const styles = new CSSStyleSheet();
  styles.replaceSync(css);
  return styles;
}

/** Sets the text only when it changes, so that live regions and selections are left in peace. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** `m:ss`, or `h:mm:ss` from an hour on. */
export function clock(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, index) => (index === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}

/** What a person calls a SIP address: the name, else the part before the host. */
export function partyName(party: { readonly uri: string; readonly displayName?: string }): string {
  return party.displayName ?? party.uri.replace(/^(sips?|tel):/i, "").replace(/@.*$/, "");
}

/** Puts focus on `fallback` when `act` hides whatever inside `root` has it. */
export function keepFocus(root: ShadowRoot, fallback: () => HTMLElement, act: () => void): void {
  const focused = root.activeElement;
  act();
  const isElsewhere = root.activeElement !== null && root.activeElement !== focused;
  if (focused instanceof HTMLElement && !isElsewhere && !focused.checkVisibility({ visibilityProperty: true })) fallback().focus();
}
