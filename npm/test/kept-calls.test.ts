/** Calls that outlive their page, as long as the tab and the call last. */
import { type CallResumedEvent, UserAgent, type UserAgentOptions } from "../src/index.js";
import { core, fake } from "./fake-core.js";
import { cleanup, next, ok, same, test, until } from "./harness.js";

const KEY = "switchhook:calls:sip:alice@example.com";
const ALICE = { uri: "sip:alice@example.com", password: "secret" };

function agent(options: Partial<UserAgentOptions> = {}): UserAgent {
  fake.core = undefined;
  const ua = new UserAgent({ server: "/sip", account: ALICE, onPageHide: "keep", audio: { ringback: false, ringtone: false }, ...options });
  cleanup(() => { void ua.close(); sessionStorage.removeItem(KEY); });
  return ua;
}

/** As if this page had come so: what Chromium's two interfaces say, as seen with real tabs. */
function came(type: NavigationTimingType, older: number): void {
  const getEntriesByType = performance.getEntriesByType.bind(performance);
  const navigation = Object.create(PerformanceNavigationTiming.prototype, { type: { value: type } }) as PerformanceEntry;
  performance.getEntriesByType = () => [navigation];
  Object.defineProperty(performance, "navigation", { value: { type: older }, configurable: true });
  cleanup(() => { performance.getEntriesByType = getEntriesByType; Reflect.deleteProperty(performance, "navigation"); });
}

function reloaded(): void {
  came("reload", 1);
}

function kept(): Record<string, unknown>[] {
  return JSON.parse(sessionStorage.getItem(KEY) ?? "[]") as Record<string, unknown>[];
}

/** What the page before left: a call that was answered an hour ago, muted. */
function leave(): void {
  const [startedAt, answeredAt] = [Date.now() - 3_600_000, Date.now() - 3_590_000];
  const call = { dialog: "<sip:x?Replaces=y>", direction: "incoming", remote: { uri: "sip:bob@example.com" }, startedAt, answeredAt, muted: true, held: true };
  sessionStorage.setItem(KEY, JSON.stringify([call]));
}

test("a tab keeps what names an answered call, and nothing once it is over", async () => {
  const ua = agent();
  await until(() => fake.core?.commands.includes("register"));
  const call = ua.call("bob");
  await until(() => core().commands.includes("call bob"));
  same(kept(), []);
  core().change(1, "active", 200);
  same([kept()[0]?.["dialog"], kept()[0]?.["muted"]], ["<sip:relay.invalid?Replaces=1>", false]);
  core().say({ type: "muteChange", call: 1, muted: true });
  same(kept()[0]?.["muted"], true);
  ok(!JSON.stringify(kept()).includes("secret"));
  core().end(1);
  same([kept(), call.state], [[], "ended"]);
});

test("without keep nothing is kept", async () => {
  const ua = agent({ onPageHide: "hangup" });
  ua.call("bob");
  await until(() => fake.core?.commands.includes("call bob"));
  core().change(1, "active", 200);
  same(kept(), []);
});

test("a page that was loaded anew takes the call back: as old, as muted and as held as it was", async () => {
  reloaded();
  leave();
  const ua = agent();
  const { call } = await next<CallResumedEvent>(ua, "resumed");
  same([call.state, call.muted, call.held.local, call.direction], ["reconnecting", true, true, "incoming"]);
  ok(call.duration > 3_500_000);
  await until(() => fake.core?.commands.includes("resume <sip:x?Replaces=y> true true"));
  ok(core().commands.indexOf("register") < core().commands.length - 1, "registered first");
  same(kept()[0]?.["dialog"], "<sip:x?Replaces=y>", "until it is back, the next page may try");
  core().change(1, "active", 200);
  await call.answered;
  same([ua.calls.length, kept()[0]?.["dialog"], kept()[0]?.["held"]], [1, "<sip:relay.invalid?Replaces=1>", true]);
  ok(call.duration > 3_500_000);
});

test("a call that is gone ends, and is kept no longer", async () => {
  reloaded();
  leave();
  const ua = agent();
  const { call } = await next<CallResumedEvent>(ua, "resumed");
  await until(() => fake.core?.commands.some((command) => command.startsWith("resume")));
  core().end(1, { error: { code: "CONNECTION_LOST", message: "Lost.", fatal: false, retryable: true } });
  same([(await call.ended).error?.code, kept(), ua.calls.length], ["CONNECTION_LOST", [], 0]);
});

test("a page that is gone back to takes the call back", async () => {
  came("back_forward", 2);
  leave();
  const { call } = await next<CallResumedEvent>(agent(), "resumed");
  same(call.state, "reconnecting");
});

test("a copy of a tab takes nothing, has an id of its own, and takes nothing when it is loaded anew", async () => {
  const ids: (string | undefined)[] = [];
  for (const [type, older] of [["reload", 1], ["navigate", 0], ["back_forward", 0], ["reload", 1]] as const) {
    if (type !== "reload") leave();
    came(type, older);
    const ua = agent();
    await until(() => fake.core?.commands.includes("register"));
    same([ua.calls.length, core().commands], [0, ["register"]], `${type} ${String(older)}`);
    ids.push(core().config.instanceId);
  }
  const [first, opened, duplicated, again] = ids;
  same([new Set(ids).size, again === duplicated, opened === first], [3, true, false]);
});

test("storage that somebody has written nonsense into is no storage", async () => {
  reloaded();
  sessionStorage.setItem(KEY, '[null, 1, {"dialog": 7}]');
  const ua = agent();
  await until(() => fake.core?.commands.includes("register"));
  same(ua.calls.length, 0);
});
