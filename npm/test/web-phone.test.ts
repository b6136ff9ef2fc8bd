/** `<web-phone>`: signing in, calling, being called, and whether everybody can use it. */
import axe from "axe-core";
import type { CallEndEvent, WebPhone } from "../src/element/index.js";
import { core, errorInfo } from "./fake-core.js";
import { cleanup, next, ok, same, test, until } from "./harness.js";
import { called, calling, conferring, inTalk, PAGE, part, phone, shown, signedIn, signingIn, status, textFrom, twoCalls } from "./phone-page.js";

test("the form signs in with a SIP account and registers", async () => {
  const element = await signingIn();
  same(core().config.account, { uri: "sip:alice@example.com", password: "secret", displayName: "Alice" });
  ok(!JSON.stringify(element.state).includes("secret"), "nobody reads the password from the phone");
});

test("signed in, it says so and shows the number field", async () => {
  const element = await signedIn();
  ok(shown(element, "dial") && !shown(element, "login") && shown(element, "sign-out"));
  same([part(element, "own").textContent, part(element, "line").textContent, status(element)], ["Alice", "Ready for calls", "Ready for calls"]);
});

test("a wrong password goes back to the form with a sentence, and keeps what was typed", async () => {
  const element = await signingIn();
  core().connected();
  core().say({ type: "registrationChange", state: "failed", error: { ...errorInfo("WRONG_CREDENTIALS", 403), fatal: true } });
  await until(() => shown(element, "problem"));
  ok(part(element, "problem").innerText.includes("password is wrong"));
  same([element.state.session, element.shadowRoot?.querySelector<HTMLInputElement>("[name=login]")?.value], ["out", "alice"]);
  await until(() => core().disposed);
});

test("a server that cannot be reached is told in the form", async () => {
  const element = await signingIn();
  core().say({ type: "connectionChange", state: "reconnecting", error: errorInfo("CONNECTION_REFUSED") });
  await until(() => shown(element, "problem"));
  ok(status(element).includes("cannot be reached"));
});

test("a lost connection is shown while it is being restored", async () => {
  const element = await signedIn();
  core().say({ type: "connectionChange", state: "reconnecting", code: 1006 });
  same(part(element, "line").textContent, "Reconnecting…");
  core().connected();
  same(part(element, "line").textContent, "Ready for calls");
});

test("keypad and keyboard fill the number, the last character can be deleted, Enter calls", async () => {
  const element = await signedIn();
  for (const digit of ["1", "2", "#"]) part(element, "keypad").querySelector<HTMLElement>(`[data-digit="${digit}"]`)?.click();
  part(element, "call").dispatchEvent(new KeyboardEvent("keydown", { key: "5", bubbles: true, composed: true }));
  const number = part(element, "number") as HTMLInputElement;
  same(number.value, "12#5");
  part(element, "delete").click();
  same(number.value, "12#");
  number.form?.requestSubmit();
  await until(() => core().commands.includes("call 12#"));
});

test("an empty number calls nobody", async () => {
  const element = await signedIn();
  part(element, "call").click();
  same(element.state.call, undefined);
});

test("an outgoing call goes from connecting to ringing, active and ended", async () => {
  const element = await calling();
  const phases = [element.state.call?.phase];
  core().change(1, "ringing", 180);
  phases.push(element.state.call?.phase);
  core().change(1, "active", 200);
  phases.push(element.state.call?.phase);
  ok(shown(element, "mute") && shown(element, "keypad-toggle"));
  const end = next<CallEndEvent>(element, "callend");
  core().end(1);
  phases.push(element.state.call?.phase);
  await end;
  same(phases, ["connecting", "ringing", "active", "ended"]);
  part(element, "close").click();
  ok(shown(element, "dial"));
});

test("an incoming call is announced with its caller and can be answered", async () => {
  const element = await called();
  same([status(element), part(element, "name").textContent], ["Incoming call: Bob", "Bob"]);
  ok(shown(element, "answer") && shown(element, "decline"));
  part(element, "answer").click();
  same([core().commands.at(-1), element.state.call?.phase], ["answer 9", "active"]);
});

test("an incoming call can be declined", async () => {
  const element = await called();
  part(element, "decline").click();
  same([core().commands.at(-1), element.state.call?.phase], ["reject 9 486", "ended"]);
});

test("mute and digits act on the call", async () => {
  const element = await calling();
  core().change(1, "active", 200);
  part(element, "mute").click();
  same(part(element, "mute").getAttribute("aria-pressed"), "true");
  part(element, "keypad-toggle").click();
  part(element, "keypad", inTalk).querySelector<HTMLElement>('[data-digit="4"]')?.click();
  same([core().commands.at(-1), part(element, "digits").textContent], ["sendDigits 1 4 auto 100 70", "4"]);
});

test("hold and resume change places when the other side has agreed", async () => {
  const element = await calling();
  core().change(1, "active", 200);
  const hold = part(element, "hold");
  same([shown(element, "hold"), hold.textContent, hold.getAttribute("aria-disabled")], [true, "Hold", "false"]);
  hold.click();
  await until(() => core().commands.at(-1) === "setHeld 1 true");
  same([hold.textContent, hold.getAttribute("aria-disabled")], ["Hold", "true"]);
  core().say({ type: "holdChange", call: 1, local: true, remote: false }, { type: "holdResult", call: 1 });
  await until(() => hold.getAttribute("aria-disabled") === "false");
  same([hold.textContent, status(element)], ["Resume", "On hold"]);
  ok(part(element, "state").textContent.startsWith("On hold"));
  hold.click();
  await until(() => core().commands.at(-1) === "setHeld 1 false");
  core().say({ type: "holdResult", call: 1, error: errorInfo("SERVER_ERROR", 500) });
  await until(() => status(element).startsWith("Hold did not work"));
  same(hold.textContent, "Resume");
  core().say({ type: "holdChange", call: 1, local: false, remote: true });
  same(status(element), "The other side has put you on hold");
});

test("a busy number says so and can be called again", async () => {
  const element = await calling();
  core().end(1, { by: "remote", status: 486, error: errorInfo("BUSY", 486) });
  ok(status(element).includes("busy"));
  part(element, "again").click();
  await until(() => core().commands.filter((command) => command === "call echo").length === 2);
});

test("signing out hangs up, closes and shows the form", async () => {
  const element = await calling();
  core().change(1, "active", 200);
  part(element, "sign-out").click();
  ok(shown(element, "login"));
  await until(() => core().disposed);
  ok(core().commands.includes("hangUp 1") && core().commands.includes("unregister"));
});

test("a call that signing out ends is told and remembered", async () => {
  const element = await calling();
  core().change(1, "active", 200);
  const ended = next<CallEndEvent>(element, "callend");
  part(element, "sign-out").click();
  same([(await ended).end.by, element.state.session, element.state.call], ["local", "out", undefined]);
  const kept = JSON.parse(localStorage.getItem("switchhook:phone:alice@example.com:history") ?? "[]") as { name: string }[];
  same(kept.map(({ name }) => name), ["echo"]);
});

test("focus never gets lost when a screen changes", async () => {
  const element = await calling();
  part(element, "hang-up").focus();
  part(element, "hang-up").click();
  ok(element.shadowRoot?.activeElement?.checkVisibility());
});

test("focus on the phone is focus on what comes first", async () => {
  const element = await signedIn();
  element.focus();
  ok(element.shadowRoot?.activeElement === part(element, "number"));
});

test("it speaks the page's language", async () => {
  const element = phone();
  element.lang = "fr";
  await until(() => part(element, "sign-in").textContent === "Se connecter");
});

test("it fits into 320 pixels", async () => {
  const element = await signedIn();
  PAGE.style.width = "320px";
  cleanup(() => { PAGE.removeAttribute("style"); });
  ok(part(element, "phone").scrollWidth <= 320 && part(element, "phone").getBoundingClientRect().width <= 320);
});

const states: Record<string, () => Promise<WebPhone> | WebPhone> = {
  form: () => phone(),
  "wrong password": async () => {
    const element = await signingIn();
    core().say({ type: "registrationChange", state: "failed", error: errorInfo("WRONG_CREDENTIALS") });
    await until(() => shown(element, "problem"));
    return element;
  },
  dial: () => signedIn(),
  connecting: () => calling(),
  incoming: () => called(),
  active: async () => {
    const element = await calling();
    core().change(1, "active", 200);
    part(element, "keypad-toggle").click();
    return element;
  },
  transfer: async () => {
    const element = await calling();
    core().change(1, "active", 200);
    part(element, "transfer").click();
    return element;
  },
  "a second caller": async () => {
    const element = await calling();
    core().change(1, "active", 200);
    core().incoming(9);
    return element;
  },
  history: async () => {
    const element = await calling();
    core().end(1);
    part(element, "tab-history").click();
    return element;
  },
  contacts: async () => {
    const element = await signedIn();
    element.addContact({ name: "Carol", uri: "carol@example.com" });
    part(element, "tab-contacts").click();
    return element;
  },
  messages: async () => {
    const element = await signedIn();
    core().say({ type: "message", message: textFrom("sip:bob@example.com", "Lunch?") });
    part(element, "tab-messages").click();
    part(element, "chat").click();
    return element;
  },
  settings: async () => {
    const element = await signedIn();
    part(element, "tab-settings").click();
    await until(() => element.state.devices.list.length > 0);
    return element;
  },
  "two calls": twoCalls,
  conference: conferring,
  error: async () => {
    const element = await calling();
    core().end(1, { error: errorInfo("NOT_FOUND") });
    return element;
  },
};

for (const theme of ["light", "dark"]) {
  for (const [name, make] of Object.entries(states)) {
    test(`axe finds nothing wrong: ${name}, ${theme}`, async () => {
      document.documentElement.style.colorScheme = theme;
      document.documentElement.style.background = "Canvas";
      cleanup(() => { document.documentElement.removeAttribute("style"); });
      await make();
      const { violations } = await axe.run(PAGE, { rules: { region: { enabled: false } } });
      same(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`), []);
    });
  }
}
