/** Messages, subscriptions and publications: what a page is told, and what is read from the bodies. */
import { type MessageReceivedEvent, type NotifyEvent, type SipError, UserAgent } from "../src/index.js";
import { core, errorInfo, fake } from "./fake-core.js";
import { cleanup, next, ok, rejection, same, test, until } from "./harness.js";

const account = { uri: "sip:alice@example.com", password: "secret" };

async function agent(): Promise<UserAgent> {
  fake.core = undefined;
  const ua = new UserAgent({ server: "/sip", account });
  cleanup(() => { void ua.close(); });
  await until(() => fake.core?.commands.length);
  core().registered();
  return ua;
}

async function commanded(start: string): Promise<string> {
  await until(() => core().commands.some((command) => command.startsWith(start)));
  return core().commands.find((command) => command.startsWith(start)) ?? "";
}

test("a message is fulfilled when it arrived, and rejected with the other side's words", async () => {
  const ua = await agent();
  const arrived = ua.message("bob", "Grüße 👋");
  same(await commanded("message"), "message bob text/plain;charset=UTF-8 Grüße 👋");
  core().say({ type: "messageSent", message: 1 });
  await arrived;

  const refused = ua.message("carol", new Uint8Array([104, 105]));
  await until(() => core().commands.includes("message carol application/octet-stream hi"));
  core().say({ type: "messageSent", message: 2, reason: "Gone fishing", error: errorInfo("UNREACHABLE", 480) });
  const error = (await rejection(refused)) as SipError;
  same([error.code, error.status, error.reason], ["UNREACHABLE", 480, "Gone fishing"]);
  same(((await rejection(ua.message("two words", "x"))) as SipError).code, "INVALID_TARGET");
});

test("a message that was given up is dropped", async () => {
  const ua = await agent();
  const stop = new AbortController();
  const sent = ua.message("bob", "hello", { signal: stop.signal });
  await commanded("message");
  stop.abort();
  same(((await rejection(sent)) as SipError).code, "CANCELLED");
  ok(core().commands.includes("dropMessage 1"));
  same(((await rejection(ua.message("bob", "again", { signal: AbortSignal.abort() }))) as SipError).code, "CANCELLED");
  same(core().commands.filter((command) => command.startsWith("message")).length, 1);
});

test("a message that comes in is text or bytes, as its type says", async () => {
  const ua = await agent();
  const told = next<MessageReceivedEvent>(ua, "message");
  const party = { from: { uri: "sip:bob@example.com", displayName: "Bob" }, to: { uri: "sip:alice@example.com" }, headers: [] as [string, string][] };
  core().say({ type: "message", message: { ...party, contentType: "text/plain;charset=iso-8859-1", body: new Uint8Array([0x47, 0x72, 0xfc, 0xdf, 0x65]) } });
  const event = await told;
  same([event.from.displayName, event.body], ["Bob", "Grüße"]);

  const bytes = next<MessageReceivedEvent>(ua, "message");
  core().say({ type: "message", message: { ...party, contentType: "application/octet-stream", body: new Uint8Array([1, 2]) } });
  ok((await bytes).body instanceof Uint8Array);
});

test("messages inside a call are the call's", async () => {
  const ua = await agent();
  const call = ua.call("bob");
  await commanded("call");
  core().change(1, "active", 200);
  const told = next<MessageReceivedEvent>(call, "message");
  core().say({ type: "callMessage", call: 1, message: { from: { uri: "sip:bob@example.com" }, to: { uri: "sip:alice@example.com" }, contentType: "text/plain", body: new TextEncoder().encode("hi"), headers: [] } });
  same((await told).body, "hi");
  const sent = call.message("hello");
  same(await commanded("callMessage"), "callMessage 1 hello");
  core().say({ type: "messageSent", message: 1 });
  await sent;
});

const PIDF = `<?xml version="1.0"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"
  xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="pres:bob@example.com">
  <tuple id="a1"><status><basic>closed</basic></status></tuple>
  <tuple id="a2"><status><basic>open</basic></status><contact priority="0.8">sip:bob@192.0.2.7</contact>
    <note>At my desk</note><timestamp>2024-03-01T12:00:00Z</timestamp></tuple>
  <dm:person id="p"><rpid:activities><rpid:on-the-phone/><rpid:other>fishing</rpid:other></rpid:activities></dm:person>
</presence>`;

test("presence is read from PIDF and RPID", async () => {
  const ua = await agent();
  const subscription = ua.subscribe("bob", "presence", { expires: 600 });
  same(await commanded("subscribe"), "subscribe bob presence application/pidf+xml 600");
  const told = next<NotifyEvent<"presence">>(subscription, "notify");
  core().notify(1, "application/pidf+xml;charset=UTF-8", PIDF);
  await subscription.established;
  const presence = (await told).content;
  same([presence?.entity, presence?.basic, presence?.note, presence?.activities], ["pres:bob@example.com", "open", "At my desk", ["on-the-phone", "fishing"]]);
  same(presence?.tuples[1], { id: "a2", basic: "open", contact: "sip:bob@192.0.2.7", priority: 0.8, note: "At my desk", timestamp: "2024-03-01T12:00:00.000Z" });
  same(subscription.content?.basic, "open");
});

test("the voice mail that a server tells of unasked is an event of the user agent, read like a subscribed one", async () => {
  const ua = await agent();
  const told = next<NotifyEvent<"message-summary">>(ua, "notify");
  core().notify(0, "application/simple-message-summary", "Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n");
  same((await told).content?.voice, { new: 2, old: 8, urgentNew: 0, urgentOld: 2 });

  const unreadable = next<NotifyEvent<"message-summary">>(ua, "notify");
  core().notify(0, "text/html", "<p>hello</p>");
  ok((await unreadable).warning?.includes("text/html"));
});

test("what cannot be read gives a warning and no content, and what was known stays", async () => {
  const ua = await agent();
  const subscription = ua.subscribe("bob", "presence");
  await commanded("subscribe");
  core().notify(1, "application/pidf+xml", PIDF);
  const bomb = "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><presence entity=\"&b;\"/>";
  const rows: [string, string][] = [
    ["application/pidf+xml", "<presence><tuple>"],
    ["application/pidf+xml", bomb],
    ["application/pidf+xml", "<other/>"],
    ["application/pidf+xml", "x".repeat(300_000)],
    ["text/html", "<p>hello</p>"],
    ["application/pidf+xml", "\u0000\u0001"],
  ];
  for (const [type, body] of rows) {
    const told = next<NotifyEvent<"presence">>(subscription, "notify");
    core().notify(1, type, body);
    const event = await told;
    ok(event.content === undefined && event.warning, `${type} ${body.slice(0, 30)}`);
  }
  same(subscription.content?.note, "At my desk");
});

function dialogInfo(version: number, state: "full" | "partial", ...dialogs: [string, string][]): string {
  const elements = dialogs.map(([id, word]) => `<dialog id="${id}" call-id="c-${id}" local-tag="l" remote-tag="r" direction="recipient">
    <state>${word}</state><remote><identity display="Carol">sip:carol@example.com</identity><target uri="sip:c@192.0.2.9"/></remote></dialog>`);
  return `<?xml version="1.0"?><dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="${String(version)}" state="${state}" entity="sip:bob@example.com">${elements.join("")}</dialog-info>`;
}

test("dialog-info is put together from full and partial documents", async () => {
  const ua = await agent();
  const lamp = ua.subscribe("bob", "dialog");
  await commanded("subscribe");
  const type = "application/dialog-info+xml";
  const shown = (): unknown => [lamp.content?.lamp, lamp.content?.dialogs.map(({ id, state }) => `${id} ${state}`), lamp.content?.gap];
  core().notify(1, type, dialogInfo(0, "full", ["a", "early"]));
  await lamp.established;
  same(shown(), ["ringing", ["a early"], false]);
  same(lamp.content?.dialogs[0], { id: "a", state: "early", direction: "recipient", callId: "c-a", localTag: "l", remoteTag: "r", remote: { uri: "sip:carol@example.com", displayName: "Carol" }, remoteTarget: "sip:c@192.0.2.9" });
  const steps: [string, unknown][] = [
    [dialogInfo(1, "partial", ["a", "confirmed"]), ["busy", ["a confirmed"], false]],
    [dialogInfo(1, "partial", ["b", "early"]), ["busy", ["a confirmed"], false]],
    [dialogInfo(2, "partial", ["b", "early"]), ["busy", ["a confirmed", "b early"], false]],
    [dialogInfo(3, "partial", ["a", "terminated"]), ["ringing", ["a terminated", "b early"], false]],
    [dialogInfo(6, "partial", ["b", "confirmed"]), ["busy", ["b confirmed"], true]],
    [dialogInfo(7, "full"), ["idle", [], false]],
    [dialogInfo(0, "full", ["z", "trying"]), ["ringing", ["z trying"], false]],
  ];
  for (const [document, expected] of steps) {
    core().notify(1, type, document);
    await Promise.resolve();
    same(shown(), expected, document.slice(90, 150));
  }
});

test("voice mail is read from a summary", async () => {
  const ua = await agent();
  const mail = ua.subscribe("alice", "message-summary");
  same(await commanded("subscribe"), "subscribe alice message-summary application/simple-message-summary -");
  core().notify(1, "application/simple-message-summary", "Messages-Waiting: yes\r\nMessage-Account: sip:vm@example.com\r\nVoice-Message: 2/8\r\n (0/2)\r\nFax-Message: 1/0\r\n");
  await mail.established;
  const counts = { voice: { new: 2, old: 8, urgentNew: 0, urgentOld: 2 }, fax: { new: 1, old: 0, urgentNew: 0, urgentOld: 0 } };
  same(mail.content, { waiting: true, account: "sip:vm@example.com", voice: counts.voice, counts });
  core().notify(1, "application/simple-message-summary", "nonsense");
  same(mail.content?.waiting, true);
});

test("other packages give their body", async () => {
  const ua = await agent();
  const raw = ua.subscribe("bob", "x-weather", { accept: "text/plain" });
  await commanded("subscribe");
  core().notify(1, "text/plain", "rain");
  await raw.established;
  same(raw.content, "rain");
});

test("a subscription tells its states, can be walked, and ends once", async () => {
  const ua = await agent();
  const subscription = ua.subscribe("bob", "x-weather");
  await commanded("subscribe");
  const states: string[] = [];
  subscription.on("statechange", ({ state }) => { states.push(state); });
  const walked = (async () => {
    const seen: unknown[] = [];
    for await (const { content } of subscription) seen.push(content);
    return seen;
  })();
  core().say({ type: "subscriptionChange", subscription: 1, change: { state: "active" } });
  core().notify(1, "text/plain", "rain");
  core().say({ type: "subscriptionChange", subscription: 1, change: { state: "waiting", retryInMs: 500, error: errorInfo("CONNECTION_LOST") } });
  core().say({ type: "subscriptionChange", subscription: 1, change: { state: "active" } });
  core().notify(1, "text/plain", "sun");
  await subscription.unsubscribe();
  await subscription.unsubscribe();
  same(await walked, ["rain", "sun"]);
  same(states, ["active", "waiting", "active", "terminated"]);
  same(await subscription.ended, {});
});

test("a refused subscription rejects established and says why it ended", async () => {
  const ua = await agent();
  const subscription = ua.subscribe("bob", "presence");
  await commanded("subscribe");
  core().say({ type: "subscriptionChange", subscription: 1, change: { state: "terminated", error: errorInfo("NOT_FOUND", 404) } });
  same(((await rejection(subscription.established)) as SipError).status, 404);
  same((await subscription.ended).error?.code, "NOT_FOUND");
  await ua.close();
  same(((await rejection(ua.message("bob", "x"))) as SipError).code, "DISPOSED");
});

test("closing the user agent ends what it follows and publishes", async () => {
  const ua = await agent();
  const stop = new AbortController();
  const one = ua.subscribe("bob", "presence", { signal: stop.signal });
  const other = ua.subscribe("carol", "presence");
  const publication = ua.publish("presence", { basic: "open" });
  const message = ua.message("bob", "hello");
  await commanded("publish");
  stop.abort();
  same([await one.ended, one.state], [{}, "terminated"]);
  void message.catch(() => undefined);
  await ua.close();
  same([other.state, publication.state], ["terminated", "ended"]);
  same(((await rejection(message)) as SipError).code, "DISPOSED");
});

test("a presence is written as it would be read", async () => {
  const ua = await agent();
  const publication = ua.publish("presence", { basic: "open", note: "Tea & <cake> \u0007\"now\"", activities: ["meeting", "Having fun"], contact: "sip:alice@example.com" });
  same(await commanded("publish"), "publish presence application/pidf+xml");
  const written = core().lastBody;
  core().say({ type: "publicationChange", publication: 1, change: { state: "published", expires: 60 } });
  await publication.published;
  publication.update({ basic: "closed" });
  ok(core().lastBody.includes("<basic>closed</basic>"));
  await publication.remove();
  same(publication.state, "ended");

  const reader = ua.subscribe("alice", "presence");
  await commanded("subscribe");
  core().notify(2, "application/pidf+xml", written);
  await reader.established;
  const read = reader.content;
  same([read?.entity, read?.basic, read?.note, read?.activities], [account.uri, "open", "Tea & <cake> \"now\"", ["meeting", "Having fun"]]);
});

