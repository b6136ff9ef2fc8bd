/** Several calls at once: waiting, refused and redirected ones. */
import { type Call, type RedirectEvent, type RefusedCallEvent, SipError, UserAgent, type UserAgentOptions } from "../src/index.js";
import { core, fake } from "./fake-core.js";
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
