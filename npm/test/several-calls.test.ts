/** Several calls at once: waiting, refused and redirected ones. */
import { type Call, type RedirectEvent, type RefusedCallEvent, SipError, UserAgent, type UserAgentOptions } from "../src/index.js";
import { core, errorInfo, fake } from "./fake-core.js";
import { cleanup, next, ok, same, test, until } from "./harness.js";

async function agent(options: Partial<UserAgentOptions> = {}): Promise<UserAgent> {
  fake.core = undefined;
  const account = { uri: "sip:alice@example.com", password: "secret" };
  const ua = new UserAgent({ server: "/sip", account, register: false, audio: { ringback: false, ringtone: false }, ...options });
  cleanup(() => { void ua.close(); });
  await until(() => fake.core?.commands.includes("connect"));
  return ua;
}

/** A call that came in and was answered. */
function talking(ua: UserAgent, id: number): Call {
  core().incoming(id);
  const call = ua.calls.at(-1);
  ok(call);
  call.answer();
  return call;
}

test("a call that comes in during another is waiting, and answering it may hold or end the other", async () => {
  const ua = await agent();
  const first = talking(ua, 7);
  core().incoming(8);
  const second = ua.calls[1];
  ok(second);
  same([first.waiting, second.waiting], [false, true]);
  second.answer({ others: "hold" });
  await until(() => core().commands.includes("setHeld 7 true"));
  same(core().commands.at(-2), "answer 8");
  core().incoming(9);
  ua.calls[2]?.answer({ others: "hangup" });
  same(core().commands.slice(-3), ["hangUp 7", "hangUp 8", "answer 9"]);
});

test("answering keeps the other calls unless told otherwise", async () => {
  const ua = await agent();
  talking(ua, 7);
  talking(ua, 8);
  same(core().commands.slice(-2), ["answer 7", "answer 8"]);
});

test("the limits go to the core", async () => {
  await agent({ maxCalls: 2, doNotDisturb: true, noAnswerTimeout: { incoming: 20, outgoing: 40 } });
  const { maxCalls, doNotDisturb, incomingNoAnswer, outgoingNoAnswer } = core().config;
  same([maxCalls, doNotDisturb, incomingNoAnswer, outgoingNoAnswer], [2, 480, 20, 40]);
});

test("do not disturb is set and taken back, and a wrong status throws and changes nothing", async () => {
  const ua = await agent();
  ua.doNotDisturb = true;
  ua.doNotDisturb = 486;
  let thrown: unknown;
  try { ua.doNotDisturb = 200; } catch (error) { thrown = error; }
  ok(thrown instanceof SipError);
  same([thrown.code, ua.doNotDisturb], ["INVALID_ARGUMENT", 486]);
  ua.doNotDisturb = false;
  same(core().commands.filter((command) => command.startsWith("setDoNot")), ["setDoNotDisturb 480", "setDoNotDisturb 486", "setDoNotDisturb 0"]);
});

test("do not disturb said before the core is loaded is what it begins with", async () => {
  fake.core = undefined;
  const ua = new UserAgent({ server: "/sip", connect: false });
  cleanup(() => { void ua.close(); });
  ua.doNotDisturb = 486;
  ua.prepare();
  await until(() => fake.core);
  same(core().config.doNotDisturb, 486);
});

test("a refused call is an event and a count, and no call", async () => {
  const ua = await agent();
  const event = next<RefusedCallEvent>(ua, "refusedcall");
  core().say({ type: "callRefused", from: { uri: "sip:bob@example.com" }, to: { uri: "sip:alice@example.com" }, headers: [], status: 486, cause: "busy" });
  const { remote, cause, status } = await event;
  same([remote.uri, cause, status, ua.refusedCalls, ua.calls.length], ["sip:bob@example.com", "busy", 486, 1, 0]);
});

test("a call is rejected with words and a cause, or redirected", async () => {
  const ua = await agent();
  core().incoming(7);
  ua.calls[0]?.reject({ status: 603, text: "In a meeting", q850: 21 });
  same(core().lastReject, { text: "In a meeting", q850: 21 });
  core().incoming(8);
  ua.calls[0]?.redirect(["carol", "dave"]);
  same(core().lastReject, { targets: ["carol", "dave"] });
  same(core().commands.slice(-2), ["reject 7 603", "reject 8 302"]);
});

/** A call of ours that is sent elsewhere. */
async function redirected(options: Partial<UserAgentOptions>): Promise<{ call: Call; event: RedirectEvent }> {
  const ua = await agent(options);
  const call = ua.call("sip:bob@example.com");
  await until(() => core().commands.includes("call sip:bob@example.com"));
  const event = next<RedirectEvent>(call, "redirect");
  core().say({ type: "redirected", call: 1, targets: ["sip:carol@example.com"], status: 302 });
  return { call, event: await event };
}

test("a redirection is followed unless the page says otherwise", async () => {
  const { call, event } = await redirected({});
  same([event.followed, event.redirection, call.state], [true, { targets: ["sip:carol@example.com"], status: 302 }, "new"]);
  same(core().commands.at(-1), "followRedirect 1");
});

test("a redirection that is refused ends the call with its status", async () => {
  const { call, event } = await redirected({ redirects: "refuse" });
  same([event.followed, (await call.ended).status], [false, 302]);
});

test("a function decides on each redirection, and one that throws refuses", async () => {
  const asked: (readonly string[])[] = [];
  const first = await redirected({ redirects: ({ targets }) => asked.push(targets) > 0 });
  same([first.event.followed, asked], [true, [["sip:carol@example.com"]]]);
  const reported = next<ErrorEvent>(globalThis, "error");
  globalThis.addEventListener("error", (event) => { event.preventDefault(); }, { once: true });
  const second = await redirected({ redirects: () => { throw new Error("no idea"); } });
  same([second.event.followed, (await reported).message.includes("no idea")], [false, true]);
});

test("a call shows who calls, and the headers that are the page's to see", async () => {
  const ua = await agent();
  core().incoming(7, "sip:bob@example.com", "Bob", [["x-order", "4711"], ["Record-Route", "<sip:x;lr>"]]);
  const [call] = ua.calls;
  same([call?.identity, call?.headers], [
    { uri: "sip:bob@example.com", name: "Bob", asserted: true, anonymous: false },
    [["Subject", "lunch"], ["x-order", "4711"]],
  ]);
  const all = await agent({ receivedHeaders: ["*"] });
  core().incoming(8);
  same(all.calls[0]?.headers.map(([name]) => name), ["Via", "Subject"]);
});

test("a call that another phone took is no missed call", async () => {
  const ua = await agent();
  core().incoming(7);
  core().incoming(8);
  const [taken, missed] = ua.calls;
  core().end(7, { status: 200, reason: "Call completed elsewhere" });
  core().end(8, { status: 487 });
  same([(await taken?.ended)?.answeredElsewhere, (await missed?.ended)?.answeredElsewhere], [true, undefined]);
});

test("an anonymous call says so to the core", async () => {
  const ua = await agent();
  ua.call("sip:bob@example.com", { anonymous: true });
  await until(() => core().commands.includes("call sip:bob@example.com"));
  same(core().lastOptions, { anonymous: true });
});

/** What an INVITE with this header asks for, and whether it was answered. */
async function asked(autoAnswer: UserAgentOptions["autoAnswer"], row: [string, string]): Promise<[number | undefined, string]> {
  const ua = await agent(autoAnswer === undefined ? {} : { autoAnswer });
  let delay: number | undefined;
  ua.once("incomingcall", ({ call }) => { delay = call.autoAnswer?.delay; });
  core().incoming(7, "sip:bob@example.com", "Bob", [row]);
  return [delay, core().commands.at(-1) ?? ""];
}

test("a call answers itself only where the page allows it", async () => {
  const auto: [string, string] = ["Answer-Mode", "Auto"];
  same(await asked(undefined, auto), [0, "connect"]);
  same(await asked("trusted", auto), [0, "answer 7"]);
  same(await asked(() => false, auto), [0, "connect"]);
  same(await asked(() => true, auto), [0, "answer 7"]);
  same(await asked(() => true, ["Answer-Mode", "Manual"]), [undefined, "connect"]);
});

test("a call that must answer itself is refused where it may not", async () => {
  same(await asked(false, ["Priv-Answer-Mode", "auto;require"]), [0, "reject 7 403"]);
});

test("a call that the page answers or declines itself is not decided on again", async () => {
  for (const [autoAnswer, mode] of [["trusted", "Auto"], [false, "Auto;require"]] as const) {
    const ua = await agent({ autoAnswer });
    const other = talking(ua, 6);
    ua.once("incomingcall", ({ call }) => { call.answer(); });
    core().incoming(7, "sip:bob@example.com", "Bob", [["Answer-Mode", mode]]);
    ua.once("incomingcall", ({ call }) => { call.reject(); });
    core().incoming(8, "sip:bob@example.com", "Bob", [["Answer-Mode", mode]]);
    same(core().commands.slice(-2), ["answer 7", "reject 8 486"]);
    same(ua.calls.map(({ state }) => state), ["active", "active"]);
    ok(other.state === "active");
  }
});

test("a caller who gives up while the page decides costs nobody else the call", async () => {
  const ua = await agent();
  const first = talking(ua, 7);
  core().incoming(8);
  const second = ua.calls[1];
  ok(second);
  core().end(8, { status: 487 });
  second.answer({ others: "hangup" });
  same([first.state, core().commands.at(-1)], ["active", "answer 7"]);
});

test("every way of asking is read, and its delay", async () => {
  const rows: [string, string, number | undefined][] = [
    ["Call-Info", "<sip:pbx>;answer-after=0", 0],
    ["call-info", "<sip:pbx>; answer-after = 2", 2],
    ["Call-Info", "<sip:pbx>;answer-after=900", undefined],
    ["Call-Info", "<http://pbx/answer-after>;purpose=icon", undefined],
    ["Alert-Info", "<http://127.0.0.1>;info=alert-autoanswer;delay=3", 3],
    ["Alert-Info", "info=\"Auto Answer\"", undefined],
    ["Alert-Info", "<x>;info=\"Auto Answer\"", 0],
    ["Alert-Info", "Ring Answer", 0],
    ["Alert-Info", "<urn:alert:service:auto-answer>", 0],
    ["Alert-Info", "<http://pbx/bellcore-dr2>", undefined],
  ];
  for (const [name, value, delay] of rows) same((await asked(() => false, [name, value]))[0], delay, `${name}: ${value}`);
});

test("a conference needs two calls that are answered", async () => {
  const ua = await agent();
  const first = talking(ua, 7);
  core().incoming(8);
  const second = ua.calls[1];
  ok(second);
  const codes: string[] = [];
  for (const calls of [[first], [first, first], [first, second]]) {
    await ua.conference(calls).catch((error: unknown) => { codes.push((error as SipError).code); });
  }
  same([codes, first.conference], [["INVALID_ARGUMENT", "INVALID_ARGUMENT", "WRONG_STATE"], undefined]);
});

test("a conference is muted, held and left by its members, and ends when one is left", async () => {
  const ua = await agent();
  const [first, second, third] = [talking(ua, 7), talking(ua, 8), talking(ua, 9)];
  const conference = await first.merge(second);
  await third.merge(second);
  same([conference.participants.length, first.conference === conference, conference.muted], [3, true, false]);
  conference.mute();
  same([conference.muted, third.muted], [true, true]);
  const gone: number[] = [];
  conference.on("participantschange", ({ participants }) => { gone.push(participants.length); });
  core().end(9);
  await until(() => gone.length === 1);
  await conference.split(second, { hold: false });
  same([gone, conference.ended, first.conference, second.conference], [[2, 0], true, undefined, undefined]);
  ok(core().commands.every((command) => !command.startsWith("hangUp")));
});

/** A call that this page holds. */
function holding(ua: UserAgent, id: number): Call {
  const call = talking(ua, id);
  core().say({ type: "holdChange", call: id, local: true, remote: false });
  return call;
}

test("a call whose partner hangs up while it is resumed is in no conference", async () => {
  const ua = await agent();
  const [first, second] = [talking(ua, 7), holding(ua, 8)];
  const merged = first.merge(second).then(() => "merged", (error: unknown) => (error as SipError).code);
  await until(() => core().commands.includes("setHeld 8 false"));
  core().end(7);
  core().say({ type: "holdChange", call: 8, local: false, remote: false }, { type: "holdResult", call: 8 });
  same([await merged, second.conference, second.state], ["WRONG_STATE", undefined, "active"]);
});

test("a call that is not resumed stays out of the conference, which goes on and may take it later", async () => {
  const ua = await agent();
  const conference = await talking(ua, 7).merge(talking(ua, 8));
  const third = holding(ua, 9);
  const added = conference.add(third).then(() => "added", (error: unknown) => (error as SipError).code);
  await until(() => core().commands.includes("setHeld 9 false"));
  core().say({ type: "holdResult", call: 9, error: errorInfo("SERVER_ERROR", 500) });
  same([await added, third.conference, conference.participants.length, conference.ended], ["SERVER_ERROR", undefined, 2, false]);
  core().say({ type: "holdChange", call: 9, local: false, remote: false });
  await conference.add(third);
  same(conference.participants.length, 3);
});

test("another path is looked for by a new offer, and only while both sides talk", async () => {
  const ua = await agent();
  core().incoming(7);
  const [call] = ua.calls;
  ok(call);
  let thrown: unknown;
  try { call.restartIce(); } catch (error) { thrown = error; }
  same((thrown as SipError).code, "WRONG_STATE");
  call.answer();
  call.restartIce();
  same(core().commands.at(-1), "renegotiate 7");
});
