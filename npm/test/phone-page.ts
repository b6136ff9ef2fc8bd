/** A `<web-phone>` on the test's page, brought to the moments that tests begin with. */
import "../src/element/define-web-phone.js";
import type { WebPhone } from "../src/element/index.js";
import { core, fake } from "./fake-core.js";
import { cleanup, ok, until } from "./harness.js";
import type { CoreEvent } from "../wasm/switchhook_core.js";

/** Where it stands. */
export const PAGE = document.querySelector("main") ?? document.body;

/** A phone that nobody uses, with its form filled. */
export function phone(): WebPhone {
  fake.core = undefined;
  localStorage.clear();
  const element = document.createElement("web-phone");
  PAGE.append(element);
  element.fill({ server: "/sip", uri: "alice@example.com", password: "secret", displayName: "Alice" });
  cleanup(() => { element.remove(); });
  return element;
}

/** One part of the phone: the first that is to be seen, else the first. */
export function part(element: WebPhone, name: string, inside = ""): HTMLElement {
  const found = [...(element.shadowRoot?.querySelectorAll<HTMLElement>(`${inside} [part~="${name}"]`) ?? [])];
  const first = found.find((each) => each.checkVisibility()) ?? found[0];
  ok(first, `no part ${name}`);
  return first;
}

/** The screen of the call. */
export const inTalk = '[part~="talk"]';

/** Is a part to be seen? */
export function shown(element: WebPhone, name: string, inside = ""): boolean {
  return part(element, name, inside).checkVisibility();
}

/** What a screen reader is told. */
export function status(element: WebPhone): string {
  return element.shadowRoot?.querySelector("[role=status]")?.textContent ?? "";
}

/** The form was sent. */
export async function signingIn(): Promise<WebPhone> {
  const element = phone();
  part(element, "sign-in").click();
  await until(() => fake.core?.commands.includes("register"));
  return element;
}

/** The server has accepted the account. */
export async function signedIn(): Promise<WebPhone> {
  const element = await signingIn();
  core().registered();
  await until(() => element.state.session === "in");
  return element;
}

/** Calls echo, as call 1. */
export async function calling(): Promise<WebPhone> {
  const element = await signedIn();
  element.dial("echo");
  part(element, "call").click();
  await until(() => core().commands.includes("call echo"));
  return element;
}

/** Bob calls, as call 9. */
export async function called(): Promise<WebPhone> {
  const element = await signedIn();
  core().incoming(9);
  return element;
}

/** A message as the core reports it. */
export function textFrom(uri: string, text: string): Extract<CoreEvent, { type: "message" }>["message"] {
  return { from: { uri, displayName: "Bob" }, to: { uri: "sip:alice@example.com" }, contentType: "text/plain", body: new TextEncoder().encode(text), headers: [] };
}

/** Alice talks to echo as call 1. */
export async function talking(): Promise<WebPhone> {
  const element = await calling();
  core().change(1, "active", 200);
  return element;
}

/** The other side agrees to what was asked last of a call. */
export function agree(call: number, local: boolean): void {
  core().say({ type: "holdChange", call, local, remote: false }, { type: "holdResult", call });
}

/** Waits until the core was told this. */
export function command(text: string): Promise<void> {
  return until(() => fake.core?.commands.includes(text), text);
}

/** Echo on hold, Bob talked to. */
export async function twoCalls(): Promise<WebPhone> {
  const element = await talking();
  element.call("bob");
  await command("setHeld 1 true");
  agree(1, true);
  await command("call bob");
  core().change(2, "active", 200);
  return element;
}

/** Both of them, who hear each other. */
export async function conferring(): Promise<WebPhone> {
  const element = await twoCalls();
  ok(part(element, "merge").textContent === "Talk to all", "the button that merges");
  part(element, "merge").click();
  await command("setHeld 1 false");
  agree(1, false);
  await until(() => element.state.calls.every(({ conference }) => conference));
  return element;
}
