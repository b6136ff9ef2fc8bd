/** `<web-phone>` beyond one call: several calls, transfers, history, contacts, messages, voice mail, devices. */
import type { WebPhone } from "../src/element/index.js";
import { core, errorInfo } from "./fake-core.js";
import { cleanup, ok, same, test, until } from "./harness.js";
import { agree, called, calling, command, conferring, part, phone, shown, signedIn, status, talking, textFrom, twoCalls } from "./phone-page.js";
import type { CoreEvent } from "../wasm/switchhook_core.js";

/** Bob was not let through. */
function refused(cause: "busy" | "do-not-disturb", status: number): CoreEvent {
  return { type: "callRefused", from: { uri: "sip:bob@example.com" }, to: { uri: "sip:alice@example.com" }, headers: [], status, cause };
}

/** The number that the core gave to a subscription or message: they are counted together. */
function numberOf(wanted: string): number {
  const numbered = core().commands.filter((each) => /^(subscribe|publish|message|callMessage) /.test(each));
  return numbered.findIndex((each) => each.startsWith(wanted)) + 1;
}

/** Alice talks to echo, which is held, and asks carol first. */
async function asking(): Promise<WebPhone> {
  const element = await talking();
  part(element, "transfer").click();
  (part(element, "transfer-target") as HTMLInputElement).value = "carol";
  part(element, "ask-first").click();
  await command("call carol");
  agree(1, true);
  return element;
}

test("a second caller waits in the bar, and answering holds the first call", async () => {
  const element = await talking();
  core().incoming(9);
  same([element.state.calls.length, element.state.call?.id, status(element)], [2, 1, "Incoming call: Bob"]);
  part(element, "answer-waiting").click();
  await command("setHeld 1 true");
  await command("answer 9");
  agree(1, true);
  same([element.state.call?.remote.displayName, element.state.calls[0]?.held.local], ["Bob", true]);
});

test("a second caller can be declined without touching the first call", async () => {
  const element = await talking();
  core().incoming(9);
  part(element, "decline-waiting").click();
  await command("reject 9 486");
  same([element.state.calls.length, element.state.call?.phase], [1, "active"]);
});

test("a call can be added, and the bar changes between both: one is talked to, the other held", async () => {
  const element = await talking();
  part(element, "add-call").click();
  ok(shown(element, "dial") && shown(element, "calls"));
  element.dial("bob");
  part(element, "call").click();
  await command("setHeld 1 true");
  agree(1, true);
  await command("call bob");
  core().change(2, "active", 200);
  part(element, "call-row").click();
  await command("setHeld 2 true");
  await command("setHeld 1 false");
});

test("who answers while another call is talked to is held", async () => {
  const element = await calling();
  core().incoming(9);
  part(element, "answer-waiting").click();
  await command("answer 9");
  core().change(1, "active", 200);
  await command("setHeld 1 true");
  same(element.state.call?.remote.displayName, "Bob");
  ok(!core().commands.includes("setHeld 9 true"));
});

test("a call that is chosen while its hold is under way is resumed", async () => {
  const element = await talking();
  core().incoming(9);
  part(element, "answer-waiting").click();
  await command("setHeld 1 true");
  part(element, "call-row").click();
  agree(1, true);
  await command("setHeld 1 false");
});

test("more than six calls are too many: whoever calls then is remembered as missed", async () => {
  const element = await talking();
  same(core().config.maxCalls, 6);
  core().say(refused("busy", 486));
  same([element.state.calls.length, element.state.history[0]?.missed], [1, true]);
});

test("a blind transfer asks the core, says how it goes, and survives a refusal", async () => {
  const element = await talking();
  part(element, "transfer").click();
  const target = part(element, "transfer-target") as HTMLInputElement;
  ok(element.shadowRoot?.activeElement === target);
  target.value = "carol";
  part(element, "transfer-now").click();
  await command("setHeld 1 true");
  agree(1, true);
  await command("transfer 1 carol");
  same(status(element), "Transferring…");
  core().say({ type: "transferChange", call: 1, state: "failed", confirmed: false, error: errorInfo("BUSY", 486) });
  await until(() => status(element).startsWith("The transfer did not work"));
  same(element.state.call?.phase, "active");
});

test("an attended transfer asks first, then connects the two", async () => {
  const element = await asking();
  same([element.state.calls.length, element.state.call?.consults], [2, 1]);
  core().change(2, "active", 200);
  part(element, "complete").click();
  await command("transferToCall 1 2");
  core().say({ type: "transferChange", call: 1, state: "succeeded", status: 200, confirmed: true });
  core().end(1);
  core().end(2);
  await until(() => element.state.calls.length === 0);
});

test("who is asked says no: hanging up comes back to the first call", async () => {
  const element = await asking();
  part(element, "hang-up").click();
  await command("setHeld 1 false");
  same(element.state.call?.id, 1);
});

test("two calls can be connected with each other", async () => {
  const element = await twoCalls();
  part(element, "transfer").click();
  part(element, "join").click();
  await command("setHeld 2 true");
  agree(2, true);
  await command("transferToCall 2 1");
});

test("two calls become a conference, in which neither is held, and one can be talked to alone again", async () => {
  const element = await conferring();
  same(status(element), "In a conference");
  part(element, "calls").querySelector<HTMLElement>("[part~=call-row]")?.click();
  same([element.state.call?.id, element.state.calls.some(({ held }) => held.local)], [1, false]);
  same(core().commands.filter((each) => each === "setHeld 2 true"), []);
  same(part(element, "merge").textContent, "Only this call");
  part(element, "merge").click();
  await command("setHeld 2 true");
  agree(2, true);
  await until(() => element.state.calls.every(({ conference }) => !conference));
  same(element.state.calls.map(({ held }) => held.local), [false, true]);
});

test("a conference whose other side hangs up is an ordinary call again", async () => {
  const element = await conferring();
  core().end(1);
  await until(() => element.state.calls.length === 1 && element.state.call?.conference === false);
  ok(!shown(element, "merge"));
  same(status(element), "In call");
});

test("a call that refuses the conference stays on hold, and the other goes on", async () => {
  const element = await twoCalls();
  part(element, "merge").click();
  await command("setHeld 1 false");
  core().say({ type: "holdResult", call: 1, error: errorInfo("REJECTED", 488) });
  // It can be asked again, so it is in no conference any more.
  await until(() => {
    part(element, "merge").click();
    return core().commands.filter((each) => each === "setHeld 1 false").length === 2;
  });
  same(element.state.calls.map(({ held, phase }) => [held.local, phase]), [[true, "active"], [false, "active"]]);
});

test("the other side's wish for a transfer is shown, and can be refused or followed", async () => {
  const element = await talking();
  const wish = { type: "transferRequest", call: 1, target: "sip:dave@example.com", replaces: false } as const;
  core().say(wish);
  ok(part(element, "asked").textContent.includes("dave"));
  part(element, "refuse-transfer").click();
  await command("rejectTransfer 1 603");
  ok(!shown(element, "asked"));
  core().say(wish);
  part(element, "accept-transfer").click();
  await command("acceptTransfer 1");
  same(element.state.calls.length, 2);
});

test("calls are remembered, missed ones as such, and the history outlives the page", async () => {
  const element = await called();
  core().end(9);
  part(element, "close").click();
  element.call("echo");
  await command("call echo");
  core().end(1, { by: "remote", status: 486, error: errorInfo("BUSY", 486) });
  same(element.state.history.map(({ direction, name, missed }) => `${direction} ${name} ${String(missed)}`), ["outgoing echo false", "incoming Bob true"]);
  same(JSON.parse(localStorage.getItem("switchhook:phone:alice@example.com:history") ?? "[]"), element.state.history);
  part(element, "tab-history").click();
  part(element, "history-entry").click();
  await until(() => core().commands.filter((each) => each === "call echo").length === 2);
});

test("contacts have a name, a lamp that follows their presence, and a place in the browser", async () => {
  const element = await signedIn();
  element.addContact({ name: "Carol", uri: "carol@example.com" });
  await until(() => numberOf("subscribe carol@example.com presence") > 0);
  core().notify(numberOf("subscribe carol@example.com presence"), "application/pidf+xml", `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:carol@example.com"><tuple id="a"><status><basic>open</basic></status></tuple></presence>`);
  part(element, "tab-contacts").click();
  await until(() => part(element, "contact").textContent.includes("Available"));
  part(element, "remove-contact").click();
  same([element.state.contacts, localStorage.getItem("switchhook:phone:alice@example.com:contacts")], [[], "[]"]);
});

test("where presence is not known, the busy lamp is asked for", async () => {
  const element = await signedIn();
  element.addContact({ name: "Carol", uri: "carol@example.com" });
  await until(() => numberOf("subscribe carol@example.com presence") > 0);
  core().say({ type: "subscriptionChange", subscription: numberOf("subscribe carol@example.com presence"), change: { state: "terminated", error: errorInfo("NOT_SUPPORTED", 489) } });
  await until(() => numberOf("subscribe carol@example.com dialog") > 0);
  core().notify(numberOf("subscribe carol@example.com dialog"), "application/dialog-info+xml", `<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0" state="full" entity="sip:carol@example.com"><dialog id="1"><state>confirmed</state></dialog></dialog-info>`);
  await until(() => element.state.lamps["carol@example.com"] === "busy");
});

test("messages arrive, are counted until they are read, and are answered", async () => {
  const element = await signedIn();
  core().say({ type: "message", message: textFrom("sip:bob@example.com", "Lunch?") });
  ok(part(element, "tab-messages").textContent.includes("1"));
  part(element, "tab-messages").click();
  part(element, "chat").click();
  same([element.state.chats[0]?.unread, part(element, "entry").textContent.startsWith("Lunch?")], [0, true]);
  (part(element, "text") as HTMLInputElement).value = "Yes <b>";
  part(element, "send").click();
  await command("message bob@example.com text/plain;charset=UTF-8 Yes <b>");
  const id = numberOf("message bob@example.com");
  core().say({ type: "messageSent", message: id });
  await until(() => element.state.chats[0]?.entries.at(-1)?.state === "sent");
});

test("a message that could not be sent says so", async () => {
  const element = await signedIn();
  part(element, "tab-messages").click();
  (part(element, "write-to") as HTMLInputElement).value = "bob";
  part(element, "begin").click();
  (part(element, "text") as HTMLInputElement).value = "Hello";
  part(element, "send").click();
  await command("message bob text/plain;charset=UTF-8 Hello");
  core().say({ type: "messageSent", message: numberOf("message bob"), error: errorInfo("NOT_FOUND", 404) });
  await until(() => part(element, "entry").textContent.includes("Not sent"));
});

test("waiting voice mail lights its lamp, and a click calls it", async () => {
  const element = await signedIn();
  await until(() => numberOf("subscribe sip:alice@example.com message-summary") > 0);
  core().notify(numberOf("subscribe sip:alice@example.com message-summary"), "application/simple-message-summary", "Messages-Waiting: yes\r\nMessage-Account: sip:*97@example.com\r\nVoice-Message: 3/1 (0/0)\r\n");
  await until(() => shown(element, "voicemail"));
  same(part(element, "voicemail").getAttribute("aria-label"), "Voice mail: 3");
  part(element, "voicemail").click();
  await command("call sip:*97@example.com");
});

test("who will not be disturbed is not rung, and sees later who called", async () => {
  const element = await signedIn();
  part(element, "tab-settings").click();
  part(element, "do-not-disturb").click();
  ok(shown(element, "disturb"));
  await command("setDoNotDisturb 480");
  core().say(refused("do-not-disturb", 480));
  same([element.state.calls, element.state.history[0]?.missed], [[], true]);
});

test("the microphone is tested and chosen in the settings", async () => {
  const element = await signedIn();
  part(element, "tab-settings").click();
  part(element, "test-microphone").click();
  await until(() => element.state.microphone.phase === "heard");
  ok(part(element, "microphone-outcome").textContent.includes("works"));
  const input = part(element, "input") as HTMLSelectElement;
  await until(() => input.options.length > 2);
  input.selectedIndex = 1;
  input.dispatchEvent(new Event("change"));
  await until(() => element.state.devices.input === input.value);
});

test("a caller is shown on the desktop while another window is in front, and not any more when the call is over", async () => {
  const shownTo: string[] = [];
  class FakeNotification {
    static readonly permission = "granted";
    constructor(title: string, { body }: NotificationOptions) { shownTo.push(`${title}: ${body ?? ""}`); }
    close(): void { shownTo.push("closed"); }
  }
  const [real, focus] = [globalThis.Notification, document.hasFocus.bind(document)];
  globalThis.Notification = FakeNotification as unknown as typeof Notification;
  document.hasFocus = () => false;
  cleanup(() => { globalThis.Notification = real; document.hasFocus = focus; });
  const element = await signedIn();
  part(element, "tab-settings").click();
  part(element, "notifications").click();
  await until(() => element.state.notifications);
  core().incoming(9);
  core().end(9);
  same(shownTo, ["Incoming call: Bob", "closed"]);
});

test("the log is a file that says what happened, without the password", async () => {
  const element = await talking();
  core().say({ type: "connectionChange", state: "connected", server: "wss://alice:secret@relay.example.com/sip?token=secret" });
  part(element, "tab-settings").click();
  let saved: Blob | undefined;
  const real = URL.createObjectURL.bind(URL);
  URL.createObjectURL = (blob: Blob) => { saved = blob; return "#log"; };
  cleanup(() => { URL.createObjectURL = real; });
  part(element, "save-log").click();
  const text = (await saved?.text()) ?? "";
  ok(text.includes("registration registered") && text.includes("call 1 active 200") && text.includes("wss://relay.example.com/sip"), text);
  ok(!text.includes("secret"));
});

test("the form takes login, authentication name, domain and port apart, as a PBX hands them out", async () => {
  const element = phone();
  element.fill({ server: "/sip", login: "1001", domain: "pbx.example.com", port: "5080", authorizationName: "auth1001", password: "secret", displayName: "" });
  element.signIn();
  await command("register");
  same(core().config.account, { uri: "sip:1001@pbx.example.com:5080", authorizationName: "auth1001", password: "secret" });
});

test("a login without a domain belongs to the server's host", async () => {
  const element = phone();
  element.fill({ server: "wss://sip.example.org/sip", login: "1001", domain: "", password: "x", displayName: "" });
  element.signIn();
  await command("register");
  same(core().config.account?.uri, "sip:1001@sip.example.org");
});

test("storage full of nonsense is no reason to fail", async () => {
  const element = phone();
  localStorage.setItem("switchhook:phone:alice@example.com:history", "{not json");
  localStorage.setItem("switchhook:phone:alice@example.com:contacts", '{"a":1}');
  element.signIn();
  await command("register");
  core().registered();
  await until(() => element.state.session === "in");
  same([element.state.history, element.state.contacts], [[], []]);
});

test("entries that are none are left out, and a message that was being sent counts as not sent", async () => {
  const element = phone();
  const keep = (name: string, value: unknown): void => { localStorage.setItem(`switchhook:phone:alice@example.com:${name}`, JSON.stringify(value)); };
  keep("contacts", [null, 7, { name: "Carol" }, { name: "Dave", uri: "dave@example.com" }]);
  keep("history", [null, { uri: "x", name: "x", at: "now", duration: 0 }]);
  keep("chats", [{ uri: "bob@example.com", name: "Bob", unread: 0, entries: [{ mine: true, text: "Hello", at: 1, state: "sending" }] }, { uri: "x", name: "x", entries: [null] }]);
  element.signIn();
  await command("register");
  core().registered();
  await until(() => element.state.session === "in");
  same([element.state.contacts.map(({ name }) => name), element.state.history], [["Dave"], []]);
  same(element.state.chats.map(({ name, entries }) => [name, entries[0]?.state]), [["Bob", "failed"]]);
});

/** What has focus inside the phone. */
function focused(element: WebPhone): string | null {
  return element.shadowRoot?.activeElement?.getAttribute("part") ?? null;
}

test("focus stays on another call's row while the phone draws itself anew", async () => {
  const element = await talking();
  core().incoming(9);
  part(element, "answer-waiting").click();
  await command("answer 9");
  agree(1, true);
  core().change(9, "active", 200);
  part(element, "transfer").click();
  await until(() => shown(element, "transfer-calls"));
  const row = part(element, "join");
  row.focus();
  core().say({ type: "muteChange", call: 9, muted: true });
  core().say({ type: "muteChange", call: 9, muted: false });
  same([part(element, "join") === row, focused(element)], [true, "join"]);
});

test("a row that is gone hands its focus to the next one, and the last one to the screen, never to signing out", async () => {
  const element = await signedIn();
  part(element, "tab-contacts").click();
  for (const name of ["Bob", "Carol"]) {
    element.shadowRoot?.querySelector<HTMLDetailsElement>("details")?.setAttribute("open", "");
    const [who, uri] = ["contact-name", "contact-uri"].map((field) => element.shadowRoot?.querySelector<HTMLInputElement>(`[name=${field}]`));
    if (who && uri) [who.value, uri.value] = [name, `${name.toLowerCase()}@example.com`];
    part(element, "save-contact").click();
  }
  await until(() => element.state.contacts.length === 2);
  for (const left of [1, 0]) {
    part(element, "remove-contact").focus();
    part(element, "remove-contact").click();
    await until(() => element.state.contacts.length === left);
    same(focused(element) === "sign-out", false);
    if (left > 0) same(focused(element), "remove-contact");
  }
});
