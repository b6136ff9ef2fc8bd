/** The shop's page: which number the button calls. Its visitors have no account; each call shows a token. */
import "switchhook/element/define/call-button";
import { byId, type DemoNumber, fetchDemo } from "./demo.js";

const button = document.querySelector("call-button");
const choices = byId("choices");

const demo = await fetchDemo();
if (demo && button) {
  button.server = demo.server;
  button.setAttribute("site-key", demo.siteKey);
  choices.append(...demo.numbers.map((number, index) => choice(number, index === 0)));
  button.to = demo.numbers[0]?.number ?? "echo";
} else {
  byId("offline").hidden = false;
}

/** One number as a radio button. */
function choice({ number, description }: DemoNumber, checked: boolean): HTMLElement {
  const input = Object.assign(document.createElement("input"), { type: "radio", name: "number", value: number, checked });
  const name = Object.assign(document.createElement("strong"), { textContent: number });
  const text = Object.assign(document.createElement("span"), { textContent: description });
  const label = document.createElement("label");
  input.addEventListener("change", () => { if (button) button.to = number; });
  label.append(input, name, text);
  return label;
}
