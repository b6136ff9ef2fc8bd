/** A call: its states, promises, events and commands. */
import { type Call, type CallEndedEvent, type CallStateChangeEvent, SipError, UserAgent } from "../src/index.js";
import { core, errorInfo, fake } from "./fake-core.js";
import { cleanup, next, ok, rejection, same, test, until } from "./harness.js";

const account = { uri: "sip:alice@example.com", password: "secret" };

function agent(): UserAgent {
  fake.core = undefined;
  const ua = new UserAgent({ server: "/sip", account, register: false, audio: { ringback: false, ringtone: false } });
  cleanup(() => { void ua.close(); });
  return ua;
}

/** A call that the core knows as number 1. */
async function made(options = {}): Promise<Call> {
  const call = agent().call("sip:bob@example.com", options);
  await until(() => fake.core?.commands.includes("call sip:bob@example.com"));
  return call;
}

async function rings(): Promise<Call> {
  const ua = agent();
  await until(() => fake.core?.commands.includes("connect"));
  core().incoming(7);
  const [call] = ua.calls;
  ok(call);
  return call;
}

test("call() returns before anything is loaded or sent", () => {
  const call = agent().call("sip:bob@example.com");
  same([call.state, call.direction, call.remote, fake.core], ["new", "outgoing", { uri: "sip:bob@example.com" }, undefined]);
});

test("states follow the core and each is told once", async () => {
  const call = await made();
  const seen: string[] = [];
  call.on("statechange", (event) => seen.push(`${event.previous}>${event.state}`));
  core().change(1, "calling");
  core().change(1, "ringing", 180);
  core().change(1, "ringing", 180);
  core().change(1, "active", 200);
  core().end(1);
  same(seen, ["new>calling", "calling>ringing", "ringing>active", "active>ended"]);
});

test("the state is true before its event comes, and the status with it", async () => {
  const call = await made();
  const event = next<CallStateChangeEvent>(call, "statechange");
  call.once("statechange", () => { same(call.state, "ringing"); });
  core().change(1, "ringing", 183);
  same((await event).status, 183);
});

test("answered is fulfilled, ended says who hung up, and the duration stands still afterwards", async () => {
  const call = await made();
  core().change(1, "active", 200);
  await call.answered;
  ok(call.answeredAt);
  core().end(1, { by: "remote", reason: "Normal", q850: 16 });
  same(await call.ended, { by: "remote", reason: "Normal", q850: 16 });
  ok(call.endedAt);
  same(call.duration, call.endedAt.getTime() - call.answeredAt.getTime());
});

test("a busy number rejects answered with a typed error, and ended is fulfilled", async () => {
  const call = await made();
  core().end(1, { by: "remote", status: 486, reason: "Busy Here", error: errorInfo("BUSY", 486) });
  const error = await rejection(call.answered);
  ok(error instanceof SipError);
  same([error.code, error.status, error.reason, error.retryable, error.name], ["BUSY", 486, "Busy Here", true, "SipError"]);
  same((await call.ended).error?.code, "BUSY");
});

test("a wrong target is told by the call, not thrown", async () => {
  const call = agent().call("not a number");
  const error = (await rejection(call.answered)) as SipError;
  same([error.code, call.state, (await call.ended).by], ["INVALID_TARGET", "ended", "system"]);
});

test("aborting cancels the call", async () => {
  const controller = new AbortController();
  const call = await made({ signal: controller.signal });
  core().change(1, "ringing", 180);
  controller.abort();
  ok(core().commands.includes("hangUp 1"));
  same(((await rejection(call.answered)) as SipError).code, "CANCELLED");
});

test("a signal that was aborted before sends nothing", async () => {
  const ua = agent();
  const call = ua.call("sip:bob@example.com", { signal: AbortSignal.abort() });
  same([(await call.ended).by, ua.calls.length], ["local", 0]);
  await until(() => fake.core?.commands.includes("connect"));
  ok(!core().commands.some((command) => command.startsWith("call")));
});

test("hanging up while the core is still loading sends nothing", async () => {
  const ua = agent();
  const call = ua.call("sip:bob@example.com");
  call.hangUp();
  same([call.state, (await call.ended).by], ["ended", "local"]);
  await until(() => fake.core?.commands.includes("connect"));
  ok(!core().commands.some((command) => command.startsWith("call")));
});

test("hanging up twice is one command", async () => {
  const call = await made();
  call.hangUp();
  call.hangUp();
  same(core().commands.filter((command) => command.startsWith("hangUp")), ["hangUp 1"]);
});

test("hanging up says why", async () => {
  const call = await made();
  call.hangUp({ text: "Back at nine", q850: 31 });
  ok(core().commands.includes("hangUp 1 31 Back at nine"));
});

test("a listener may hang up inside the event, and the rest follows in order", async () => {
  const call = await made();
  const seen: string[] = [];
  call.on("statechange", ({ state }) => {
    seen.push(state);
    if (state === "ringing") call.hangUp();
  });
  core().say({ type: "callChange", call: 1, state: "ringing" });
  same(seen, ["ringing", "ended"]);
});

test("muted is what the core says", async () => {
  const call = await made();
  const event = next(call, "mutechange");
  call.mute();
  await event;
  ok(call.muted);
  call.unmute();
  ok(!call.muted);
});

test("digits go to the core with their length and are told when they left", async () => {
  const call = await made();
  core().change(1, "active");
  const digits: string[] = [];
  call.on("digitsent", ({ digit }) => digits.push(digit));
  call.sendDigits("12#", { duration: 160 });
  same([digits, core().commands.at(-1)], [["1", "2", "#"], "sendDigits 1 12# auto 160 70"]);
});

test("dtmf is fulfilled when all digits have left, and rejected when one cannot", async () => {
  const call = await made();
  core().change(1, "active");
  await call.dtmf("1,2w3", { method: "rtp", gap: 100 });
  same(core().commands.at(-1), "sendDigits 1 1,2w3 rtp 100 100");
  core().command = (): number => 0;
  const refused = call.dtmf("45");
  core().say({ type: "digitSent", call: 1, digit: "4" }, { type: "digitFailed", call: 1, digit: "5", error: errorInfo("INCOMPATIBLE_MEDIA", 415) });
  same(SipError.from(await rejection(refused)).code, "INCOMPATIBLE_MEDIA");
});

test("digits that no telephone has are refused at once", async () => {
  const call = await made();
  core().change(1, "active");
  let code = "";
  try {
    void call.dtmf("12x");
  } catch (thrown) {
    code = SipError.from(thrown).code;
  }
  same(code, "INVALID_ARGUMENT");
});

test("received digits are events", async () => {
  const call = await made();
  core().change(1, "active");
  const digits: string[] = [];
  call.on("digit", ({ digit, duration }) => digits.push(`${digit} ${String(duration)}`));
  core().say({ type: "digit", call: 1, digit: "5", durationMs: 160 });
  same(digits, ["5 160"]);
});

test("a hold is fulfilled when the other side agreed, and held is true with its event", async () => {
  const call = await made();
  core().change(1, "active");
  const seen: unknown[] = [];
  call.on("holdchange", ({ held }) => seen.push([held, call.held]));
  const held = call.hold();
  const resumed = call.resume();
  await until(() => core().commands.at(-1) === "setHeld 1 true");
  same(call.held, { local: false, remote: false });
  core().say({ type: "holdChange", call: 1, local: true, remote: false }, { type: "holdResult", call: 1 });
  await held;
  same(seen, [[{ local: true, remote: false }, { local: true, remote: false }]]);
  await until(() => core().commands.at(-1) === "setHeld 1 false");
  core().say({ type: "holdChange", call: 1, local: false, remote: false }, { type: "holdResult", call: 1 });
  await resumed;
  same(call.held.local, false);
});

test("a refused hold is rejected with a typed error, and nobody is held", async () => {
  const call = await made();
  core().change(1, "active");
  const held = call.hold();
  await until(() => core().commands.at(-1) === "setHeld 1 true");
  core().say({ type: "holdResult", call: 1, error: errorInfo("INCOMPATIBLE_MEDIA", 488) });
  const error = SipError.from(await rejection(held));
  same([error.code, error.status, call.held.local], ["INCOMPATIBLE_MEDIA", 488, false]);
});

test("a hold before the answer and one that the end of the call overtakes are rejected", async () => {
  const call = await made();
  same(SipError.from(await rejection(call.hold())).code, "WRONG_STATE");
  core().change(1, "active");
  const held = call.hold();
  await until(() => core().commands.at(-1) === "setHeld 1 true");
  core().end(1);
  same(SipError.from(await rejection(held)).code, "WRONG_STATE");
});

test("headers, name and stream reach the core; signal and audio do not", async () => {
  await made({ headers: [["X-Page", "shop"]], displayName: "Visitor", signal: new AbortController().signal });
  same(core().lastOptions, { headers: [["X-Page", "shop"]], displayName: "Visitor" });
});

test("an incoming call rings, can be answered and knows its headers", async () => {
  const call = await rings();
  same([call.direction, call.state, call.remote.displayName, call.headers], ["incoming", "ringing", "Bob", [["Subject", "lunch"]]]);
  call.answer();
  await call.answered;
  same(call.state, "active");
});

test("an incoming call can be answered inside its event", async () => {
  const ua = agent();
  await until(() => fake.core?.commands.includes("connect"));
  ua.on("incomingcall", ({ call }) => { call.answer(); });
  core().incoming(7);
  same(core().commands.at(-1), "answer 7");
});

test("declining says busy unless told otherwise", async () => {
  (await rings()).reject();
  same(core().commands.at(-1), "reject 7 486");
});

test("a caller who gives up ends the incoming call with CANCELLED", async () => {
  const call = await rings();
  core().end(7, { by: "remote", status: 487 });
  same(((await rejection(call.answered)) as SipError).code, "CANCELLED");
});

test("answering an outgoing call is refused with a sentence", async () => {
  const call = await made();
  let error: unknown;
  try { call.answer(); } catch (thrown) { error = thrown; }
  ok(error instanceof SipError && error.code === "WRONG_STATE");
});

test("remote sound is played, can be moved to another element, and is let go at the end", async () => {
  fake.stream = new MediaStream();
  cleanup(() => { fake.stream = undefined; });
  const element = document.createElement("audio");
  const other = document.createElement("audio");
  const call = await made({ audio: { element } });
  const track = next(call, "remotetrack");
  core().say({ type: "remoteTrack", call: 1 });
  await track;
  const playing = (): boolean[] => [element, other].map(({ srcObject }) => srcObject === fake.stream);
  same(playing(), [true, false]);
  call.attachAudio(other);
  same(playing(), [false, true]);
  core().end(1);
  same(playing(), [false, false]);
});

test("sound that the browser holds back is told, by the call and by its user agent", async () => {
  fake.stream = new MediaStream();
  cleanup(() => { fake.stream = undefined; });
  const element = document.createElement("audio");
  element.play = () => Promise.reject(new DOMException("no gesture", "NotAllowedError"));
  const ua = agent();
  const call = ua.call("sip:bob@example.com", { audio: { element } });
  await until(() => fake.core?.commands.includes("call sip:bob@example.com"));
  const told = Promise.all([next(call, "playbackblocked"), next(ua, "playbackblocked")]);
  core().say({ type: "remoteTrack", call: 1 });
  await told;
  element.play = () => Promise.resolve();
  await ua.unlock();
});

test("events can be read with for await, up to the end", async () => {
  const call = await made();
  const types: string[] = [];
  const reading = (async () => {
    for await (const event of call.events()) types.push(event.type);
  })();
  core().change(1, "ringing");
  core().end(1);
  await reading;
  same(types, ["statechange", "statechange", "ended"]);
});

test("reading events stops when its signal aborts", async () => {
  const call = await made();
  const stop = new AbortController();
  const reading = call.events({ signal: stop.signal }).next();
  stop.abort();
  same((await reading).done, true);
});

test("the last event is ended", async () => {
  const call = await made();
  const ended = next<CallEndedEvent>(call, "ended");
  core().end(1, { by: "system", reason: "", error: errorInfo("CONNECTION_LOST") });
  same((await ended).end.error?.code, "CONNECTION_LOST");
  same(call.state, "ended");
});
