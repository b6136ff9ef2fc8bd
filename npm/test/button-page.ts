/** A page with a `<call-button>`. */
import "../src/element/define-call-button.js";
import type { CallButton } from "../src/element/index.js";
import { fake } from "./fake-core.js";
import { cleanup, ok } from "./harness.js";

export const PAGE = document.querySelector("main") ?? document.body;

/** A button that calls echo, until the test is over. */
export function button(attributes: Record<string, string> = {}, ...content: (Node | string)[]): CallButton {
  fake.core = undefined;
  const element = document.createElement("call-button");
  for (const [name, value] of Object.entries({ server: "/sip", to: "echo", label: "Call the shop", ...attributes })) element.setAttribute(name, value);
  element.append(...content);
  PAGE.append(element);
  cleanup(() => { element.remove(); });
  return element;
}

export function part(element: CallButton, name: string): HTMLElement {
  const found = element.shadowRoot?.querySelector<HTMLElement>(`[part~="${name}"]`);
  ok(found, `no part ${name}`);
  return found;
}
