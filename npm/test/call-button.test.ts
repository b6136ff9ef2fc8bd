/** `<call-button>`: what it shows, what it does, and whether everybody can use it. */
import axe from "axe-core";
import { CallButton, type CallEndEvent, type CallErrorEvent } from "../src/element/index.js";
import type { ErrorCode } from "../wasm/switchhook_core.js";
import { button as anyButton, PAGE, part } from "./button-page.js";
import { core, errorInfo, fake } from "./fake-core.js";
import { cleanup, next, ok, same, test, until } from "./harness.js";

const ACCOUNT = { uri: "sip:guest@example.com", password: "secret" };

function button(attributes: Record<string, string> = {}, text = ""): CallButton {
  return anyButton({ ...ACCOUNT, ...attributes }, text);
}

function shown(element: CallButton, name: string): boolean {
  return part(element, name).checkVisibility();
}

function status(element: CallButton): string {
  return element.shadowRoot?.querySelector("[role=status]")?.textContent ?? "";
}

/** Somebody seems to want to call: panel and telephone are fetched. */
async function prepared(element: CallButton): Promise<void> {
  element.prepare();
  await until(() => element.shadowRoot?.querySelector('[part~="panel"]'));
}

async function calling(attributes: Record<string, string> = {}): Promise<CallButton> {
  const element = button(attributes);
  part(element, "button").click();
  await until(() => fake.core?.commands.includes("call echo"));
  return element;
}

async function active(attributes: Record<string, string> = {}): Promise<CallButton> {
  const element = await calling(attributes);
  core().change(1, "active", 200);
  return element;
}

async function failing(code: ErrorCode, attributes: Record<string, string> = {}): Promise<CallButton> {
  const element = await calling(attributes);
  core().end(1, { by: "system", error: errorInfo(code) });
  return element;
}

/** Finishes the transitions, so that colours are measured and not their way there. */
async function complete(element: CallButton): Promise<void> {
  await new Promise(requestAnimationFrame);
  const animations = element.shadowRoot?.getAnimations() ?? [];
  animations.filter(({ effect }) => effect?.getComputedTiming().iterations === 1).forEach((animation) => { animation.finish(); });
}

/** What axe finds wrong, in words. */
async function complaints(): Promise<string[]> {
  const { violations } = await axe.run(PAGE, { rules: { region: { enabled: false } } });
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

test("a module that cannot be loaded is an error that says so", async () => {
  fake.initError = new WebAssembly.CompileError("blocked by CSP");
  cleanup(() => { fake.initError = undefined; });
  const element = button();
  part(element, "button").click();
  await until(() => element.phase === "error");
  ok(status(element).includes("security settings"));
});

test("it is a native button with its label, and nothing is fetched before somebody means to call", async () => {
  const element = button();
  same([part(element, "button").tagName, part(element, "button").innerText.trim(), element.phase], ["BUTTON", "Call the shop", "idle"]);
  await Promise.resolve();
  same(fake.core, undefined);
});

for (const type of ["pointerenter", "focusin", "touchstart"]) {
  test(`${type} fetches the telephone and connects, but does not call`, async () => {
    button().dispatchEvent(new Event(type));
    await until(() => fake.core?.commands.includes("connect"));
    same(core().commands, ["connect"]);
  });
}

test("focus on the element is focus on its button", () => {
  const element = button();
  element.focus();
  ok(element.shadowRoot?.activeElement === part(element, "button"));
});

test("a click calls with the account of its attributes, without registering", async () => {
  await calling({ "display-name": "Visitor" });
  same(core().config.account, { uri: "sip:guest@example.com", password: "secret", displayName: "Visitor" });
  ok(!core().commands.includes("register"));
});

test("the slot's text is the label, too", async () => {
  const element = button({ label: "Not this" }, "Talk to us");
  same([part(element, "button").querySelector<HTMLElement>("slot:not([name])")?.hidden, shown(element, "label")], [false, false]);
  await prepared(element);
  same(part(element, "panel").getAttribute("aria-label"), "Talk to us");
});

test("white space between the tags is no label", () => {
  same(part(button({}, "\n  "), "button").innerText.trim(), "Call the shop");
});

test("each state is shown, told to a screen reader, and selectable with :state()", async () => {
  const element = await calling();
  same([element.phase, status(element), element.matches(":state(connecting)")], ["connecting", "Connecting…", true]);
  core().change(1, "ringing", 180);
  same([element.phase, status(element), element.matches(":state(ringing)")], ["ringing", "Ringing…", true]);
  core().change(1, "active", 200);
  same([element.phase, status(element), element.matches(":state(ringing)")], ["active", "In call", false]);
  core().end(1);
  same([element.phase, status(element)], ["ended", "Call ended"]);
});

test("the panel opens with the call, and mute, keypad and digits appear with the answer", async () => {
  const element = await calling();
  ok(shown(element, "panel") && shown(element, "hang-up") && !shown(element, "mute") && !shown(element, "keypad"));
  core().change(1, "active", 200);
  ok(shown(element, "mute") && shown(element, "keypad-toggle"));
  part(element, "keypad-toggle").click();
  ok(shown(element, "keypad"));
  part(element, "keypad").querySelector<HTMLElement>('[data-digit="#"]')?.click();
  same([core().commands.at(-1), part(element, "digits").textContent], ["sendDigits 1 # auto 100 70", "#"]);
});

test("digits of the keyboard are sent during a call", async () => {
  const element = await active();
  part(element, "hang-up").dispatchEvent(new KeyboardEvent("keydown", { key: "7", bubbles: true, composed: true }));
  same(core().commands.at(-1), "sendDigits 1 7 auto 100 70");
});

test("mute is shown after the core has muted", async () => {
  const element = await active();
  part(element, "mute").click();
  same([core().commands.at(-1), part(element, "mute").getAttribute("aria-pressed")], ["setMuted 1 true", "true"]);
});

test("hanging up ends the call and keeps focus inside the element", async () => {
  const element = await active();
  part(element, "hang-up").focus();
  part(element, "hang-up").click();
  same([core().commands.at(-1), element.phase], ["hangUp 1", "ended"]);
  ok(element.shadowRoot?.activeElement === part(element, "button"));
});

test("hanging up while everything is still loading never calls", async () => {
  const element = button();
  element.call();
  element.hangUp();
  same(element.phase, "ended");
  await until(() => element.phase === "ended");
  same(fake.core?.commands.some((command) => command.startsWith("call")) ?? false, false);
});

test("escape puts the panel away and a click brings it back", async () => {
  const element = await active();
  part(element, "hang-up").dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true, composed: true }));
  ok(!shown(element, "panel"));
  same([element.phase, part(element, "button").getAttribute("aria-expanded")], ["active", "false"]);
  part(element, "button").click();
  ok(shown(element, "panel"));
});

test("a page can hold a call back by preventing callrequest", () => {
  const element = button();
  PAGE.addEventListener("callrequest", (event) => { event.preventDefault(); }, { once: true });
  element.call();
  same(element.phase, "idle");
});

test("callstart and callend bubble to the page with the call", async () => {
  const element = button();
  const start = next(PAGE, "callstart");
  part(element, "button").click();
  await start;
  await until(() => fake.core?.commands.includes("call echo"));
  const end = next<CallEndEvent>(PAGE, "callend");
  core().end(1, { by: "remote", reason: "bye" });
  same((await end).end.reason, "bye");
});

test("an error is told with what to do next, as an event, and can be tried again", async () => {
  const told = next<CallErrorEvent>(PAGE, "callerror");
  const element = await failing("MIC_DENIED");
  same([(await told).error.code, element.phase], ["MIC_DENIED", "error"]);
  ok(status(element).includes("Allow it in the address bar"));
  part(element, "again").click();
  await until(() => core().commands.filter((command) => command === "call echo").length === 2);
});

test("a server that is no address is an error, not an exception", async () => {
  const element = button({ server: "ftp://nowhere" });
  part(element, "button").click();
  await until(() => element.phase === "error");
  ok(status(element).includes("not set up correctly"));
});

test("taken out of the page, it hangs up and closes; moved, it goes on", async () => {
  const element = await active();
  const section = document.createElement("section");
  PAGE.append(section);
  cleanup(() => { section.remove(); });
  section.append(element);
  await Promise.resolve();
  same(element.phase, "active");
  element.remove();
  await until(() => core().disposed);
  ok(core().commands.includes("hangUp 1"));
});

test("two buttons in one page do not share a call", async () => {
  const first = await active();
  const second = button();
  same([first.phase, second.phase], ["active", "idle"]);
});

test("it speaks the language of the page around it, and Arabic from right to left", async () => {
  const section = document.createElement("section");
  section.lang = "de-AT";
  PAGE.append(section);
  cleanup(() => { section.remove(); });
  const element = button({ label: "" });
  section.append(element);
  await until(() => part(element, "button").innerText.trim() === "Anrufen");
  section.lang = "";
  element.lang = "ar";
  await prepared(element);
  await until(() => part(element, "panel").dir === "rtl" && part(element, "close").getAttribute("aria-label") === "إغلاق");
});

test("a second definition of the tag does no harm", async () => {
  ok(customElements.get("call-button") === CallButton);
  await import("../src/element/define-call-button.js");
});

for (const theme of ["light", "dark"]) {
  const scheme = (): void => {
    document.documentElement.style.colorScheme = theme;
    document.documentElement.style.background = "Canvas";
    cleanup(() => { document.documentElement.removeAttribute("style"); });
  };
  const states: Record<string, () => Promise<CallButton> | CallButton> = {
    idle: () => button(),
    connecting: () => calling(),
    ringing: async () => { const element = await calling(); core().change(1, "ringing"); return element; },
    active: async () => { const element = await active(); part(element, "keypad-toggle").click(); part(element, "mute").click(); return element; },
    ended: async () => { const element = await active(); core().end(1); return element; },
    error: () => failing("BUSY"),
    arabic: () => active({ lang: "ar" }),
  };
  for (const [name, make] of Object.entries(states)) {
    test(`axe finds nothing wrong: ${name}, ${theme}`, async () => {
      scheme();
      const element = await make();
      await complete(element);
      same(await complaints(), []);
    });
  }
}
