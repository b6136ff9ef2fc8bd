/** The shop's page: which number the button calls, and with which of the demo's accounts. */
import "switchhook/element/define/call-button";
import { byId, type DemoNumber, fetchDemo } from "./demo.js";

const button = document.querySelector("call-button");
const choices = byId("choices");

const demo = await fetchDemo();
const account = demo?.accounts.at(-1);
if (demo && account && button) {
  button.server = demo.server;
  button.uri = account.uri;
  button.password = account.password;
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
