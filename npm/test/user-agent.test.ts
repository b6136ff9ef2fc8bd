/** The user agent: loading, connection, registration, readiness, closing. */
import { configure, type RegistrationChangeEvent, type SipError, type SipErrorEvent, UserAgent, type UserAgentOptions } from "../src/index.js";
import { core, errorInfo, fake } from "./fake-core.js";
import { cleanup, next, ok, rejection, same, test, until } from "./harness.js";

const account = { uri: "sip:alice@example.com", password: "secret" };

function agent(options: Partial<UserAgentOptions> = {}): UserAgent {
  fake.core = undefined;
  const ua = new UserAgent({ server: "/sip", account, ...options });
  cleanup(() => { void ua.close(); });
  return ua;
}

async function started(options: Partial<UserAgentOptions> = {}): Promise<UserAgent> {
  const ua = agent(options);
  await until(() => fake.core?.commands.length);
  return ua;
}

test("a module that the page's policy blocks is named, with what to add", async () => {
  fake.initError = new WebAssembly.CompileError("Refused: 'unsafe-eval' is not an allowed source");
  cleanup(() => { fake.initError = undefined; });
  const ua = agent();
  const told = next<SipErrorEvent>(ua, "error");
  const error = (await rejection(ua.ready)) as SipError;
  same([error.code, error.fatal, (await told).error.code], ["WASM_BLOCKED", true, "WASM_BLOCKED"]);
  ok(error.message.includes("'wasm-unsafe-eval'"));
});

test("a module that is not there is named with its address, and the next attempt may succeed", async () => {
  configure({ wasmUrl: "/nowhere.bin" });
  const ua = agent();
  const error = (await rejection(ua.call("sip:bob@example.com").answered)) as SipError;
  same([error.code, error.retryable], ["WASM_UNAVAILABLE", true]);
  ok(error.message.includes("/nowhere.bin"));
  configure({ wasmUrl: "/core_bg.wasm" });
  ua.prepare();
  await until(() => fake.core);
});

test("with an account it connects and registers, and ready waits for both", async () => {
  const ua = await started();
  same(core().commands, ["register"]);
  let ready = false;
  void ua.ready.then(() => { ready = true; });
  core().connected();
  await Promise.resolve();
  ok(!ready);
  core().registered();
  await ua.ready;
  same([ua.state, ua.registration], ["connected", { state: "registered", expires: 600, serviceRoute: [], outbound: false }]);
});

test("without registration it is ready when connected", async () => {
  const ua = await started({ register: false });
  core().connected();
  await ua.ready;
  ok(!core().commands.includes("register"));
});

test("connect: false loads nothing until it is needed", async () => {
  const ua = agent({ connect: false });
  await Promise.resolve();
  same(fake.core, undefined);
  ua.prepare();
  await until(() => fake.core);
});

test("a path is made a WebSocket address of the page's host", async () => {
  await started({ server: "/sip?site=1" });
  same(core().config.server, `ws://${location.host}/sip?site=1`);
  same(core().config.servers, [[`ws://${location.host}/sip?site=1`, 1]]);
});

test("a server that is no address is refused at once", () => {
  let error: unknown;
  try { new UserAgent({ server: "ftp://example.com" }); } catch (thrown) { error = thrown; }
  same((error as SipError).code, "INVALID_CONFIG");
});

test("settings reach the core under its names, and nothing undefined", async () => {
  await started({ gatheringTimeout: 500, keepAlive: 20_000, register: { expires: 120 }, audio: { input: { echoCancellation: false } } });
  const { config } = core();
  same([config.gatheringTimeoutMs, config.keepAliveMs, config.expires, config.audio], [500, 20_000, 120, { echoCancellation: false }]);
  ok(!Object.values(config).includes(undefined));
  ok(/^[0-9a-f-]{36}$/.test(config.instanceId ?? ""));
  same(core().entropy.length, 32);
});

test("a wrong password rejects ready with a typed error, and a later success can be awaited", async () => {
  const ua = await started();
  core().connected();
  const first = ua.ready;
  core().say({ type: "registrationChange", state: "failed", error: { ...errorInfo("WRONG_CREDENTIALS", 403), fatal: true } });
  const error = (await rejection(first)) as SipError;
  same([error.code, error.status, error.fatal, ua.registration.state], ["WRONG_CREDENTIALS", 403, true, "failed"]);
  core().registered();
  await ua.ready;
});

test("a lost connection is told with its close code, and ready waits again", async () => {
  const ua = await started({ register: false });
  core().connected();
  await ua.ready;
  const event = next<Event & { code: number; retryIn: number }>(ua, "connectionchange");
  core().say({ type: "connectionChange", state: "reconnecting", code: 1006, reason: "", retryInMs: 800 });
  same([(await event).code, (await event).retryIn, ua.state], [1006, 800, "reconnecting"]);
  const again = ua.ready;
  core().connected();
  await again;
});

test("connect() and register() are promises of their outcome", async () => {
  const ua = agent({ connect: false });
  const connecting = ua.connect();
  await until(() => fake.core);
  core().say({ type: "connectionChange", state: "reconnecting", error: errorInfo("CONNECTION_REFUSED") });
  same(((await rejection(connecting)) as SipError).code, "CONNECTION_REFUSED");
  const registering = ua.register();
  core().registered();
  await registering;
  await ua.unregister();
  same(ua.registration.state, "unregistered");
});

test("closing hangs up, withdraws the registration, disconnects and disposes", async () => {
  const ua = await started();
  core().registered();
  const call = ua.call("sip:bob@example.com");
  await until(() => core().commands.includes("call sip:bob@example.com"));
  await ua.close();
  same(core().commands.slice(-3), ["hangUp 1", "unregister", "disconnect"]);
  same([call.state, core().disposed, ua.closed], ["ended", true, true]);
  same(((await rejection(ua.ready)) as SipError).code, "DISPOSED");
});

test("closing before the core is loaded loads no further", async () => {
  const ua = agent();
  await ua.close();
  same(fake.core, undefined);
});

test("a closed user agent refuses commands with a sentence", async () => {
  const ua = agent({ connect: false });
  await ua.close();
  let error: unknown;
  try { ua.call("sip:bob@example.com"); } catch (thrown) { error = thrown; }
  same((error as SipError).code, "DISPOSED");
});

test("aborting its signal closes it, and so does leaving its scope", async () => {
  const controller = new AbortController();
  const ua = agent({ signal: controller.signal, connect: false });
  controller.abort();
  ok(ua.closed);
  let other: UserAgent;
  {
    await using scoped = agent({ connect: false });
    other = scoped;
  }
  ok(other.closed);
});

test("on, once and off are the DOM's listeners", async () => {
  const ua = await started({ register: false });
  const seen: string[] = [];
  const listener = (event: { state: string }): void => { seen.push(event.state); };
  ua.on("connectionchange", listener).once("connectionchange", () => seen.push("once"));
  core().connected();
  ua.off("connectionchange", listener);
  core().say({ type: "connectionChange", state: "reconnecting" });
  same(seen, ["connected", "once"]);
});

test("a trap in the core ends its calls and is told", async () => {
  const ua = await started({ register: false });
  const call = ua.call("sip:bob@example.com");
  await until(() => core().commands.includes("call sip:bob@example.com"));
  core().command = () => { throw new WebAssembly.RuntimeError("unreachable"); };
  const told = next<SipErrorEvent>(ua, "error");
  try { call.mute(); } catch { /* told by the event */ }
  same([(await told).error.code, call.state], ["INTERNAL", "ended"]);
});

test("several servers reach the core with their weights", async () => {
  fake.core = undefined;
  const ua = new UserAgent({ servers: [{ url: "wss://one.example.com/sip", weight: 2 }, { url: "https://two.example.com/sip" }], callRecovery: 5 });
  cleanup(() => { void ua.close(); });
  await until(() => fake.core);
  same(core().config.servers, [["wss://one.example.com/sip", 2], ["wss://two.example.com/sip", 1]]);
  same(core().config.callRecovery, 5);
});

test("without any server, the settings are refused", () => {
  for (const options of [{}, { servers: [{ url: "ftp://x" }] }]) {
    let error: unknown;
    try { new UserAgent({ ...options, connect: false }); } catch (thrown) { error = thrown; }
    same((error as SipError | undefined)?.code, "INVALID_CONFIG");
  }
});

test("the page's policy decides when the next attempt comes, and whether one comes", async () => {
  const asked: unknown[] = [];
  const ua = await started({ register: false, reconnect: (attempt, error) => { asked.push([attempt, error?.code]); return attempt < 2 ? 70 : null; } });
  const first = next<Event & { retryIn: number }>(ua, "connectionchange");
  core().say({ type: "connectionChange", state: "reconnecting", attempt: 1, retryInMs: 300, error: errorInfo("CONNECTION_LOST") });
  same((await first).retryIn, 70);
  core().say({ type: "connectionChange", state: "reconnecting", attempt: 2, retryInMs: 300, error: errorInfo("CONNECTION_REFUSED") });
  await until(() => ua.state === "disconnected");
  same(asked, [[1, "CONNECTION_LOST"], [2, "CONNECTION_REFUSED"]]);
  same(core().commands.slice(-2), ["retryIn 70", "giveUp"]);
});

test("a policy that throws leaves it to the default", async () => {
  const silence = (event: Event): void => { event.preventDefault(); };
  addEventListener("error", silence);
  cleanup(() => { removeEventListener("error", silence); });
  const ua = await started({ register: false, reconnect: () => { throw new Error("a page's mistake"); } });
  core().say({ type: "connectionChange", state: "reconnecting", attempt: 1, retryInMs: 300 });
  await until(() => ua.state === "reconnecting");
  ok(!core().commands.some((command) => command.startsWith("retryIn") || command === "giveUp"));
});

test("what the registrar granted can be read, and all phones unregistered", async () => {
  const ua = await started();
  core().connected();
  const told = next<RegistrationChangeEvent>(ua, "registrationchange");
  core().say({
    type: "registrationChange", state: "registered",
    grant: { expires: 60, publicGruu: "sip:alice@example.com;gr=1", serviceRoute: ["<sip:edge.example.com;lr>"], outbound: true, flowTimer: 25 },
  });
  same([(await told).registration, ua.registration.publicGruu], [ua.registration, "sip:alice@example.com;gr=1"]);
  same([ua.registration.serviceRoute, ua.registration.outbound, ua.registration.flowTimer], [["<sip:edge.example.com;lr>"], true, 25]);
  await ua.unregister({ all: true });
  ok(core().commands.includes("unregister all"));
});
