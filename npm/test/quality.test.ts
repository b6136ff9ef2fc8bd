/** The quality of a call: what the browser's counters become, and when it is worth a warning. */
import { type Call, type QualityReport, type QualityWarningEvent, UserAgent } from "../src/index.js";
import { meanOpinion, readCounters, reportBetween } from "../src/sdk/quality/report.js";
import { Warnings } from "../src/sdk/quality/warnings.js";
import { core, fake } from "./fake-core.js";
import { cleanup, next, ok, same, test, until } from "./harness.js";

interface Numbers {
  received?: number; lost?: number; jitter?: number; level?: number;
  sent?: number; fractionLost?: number; roundTrip?: number; sentLevel?: number;
}

/** What `getStats` says, as Chromium words it. */
function stats(numbers: Numbers): Map<string, unknown> {
  const { received = 0, lost = 0, jitter = 0.005, level = 0.1, sent = 0, fractionLost = 0, roundTrip = 0.04, sentLevel = 0.1 } = numbers;
  return new Map<string, unknown>([
    ["i", { type: "inbound-rtp", kind: "audio", packetsReceived: received, packetsLost: lost, jitter, audioLevel: level, bytesReceived: received * 40, jitterBufferDelay: received * 0.02 * 960, jitterBufferEmittedCount: received * 960 }],
    ["o", { type: "outbound-rtp", kind: "audio", packetsSent: sent, bytesSent: sent * 40 }],
    ["r", { type: "remote-inbound-rtp", kind: "audio", fractionLost, jitter: 0.004, roundTripTime: roundTrip }],
    ["s", { type: "media-source", kind: "audio", audioLevel: sentLevel }],
  ]);
}

/** One second of a call. */
function second(now: Numbers, before: Numbers = {}): QualityReport {
  return reportBetween(readCounters(stats(before), 1_000), readCounters(stats(now), 2_000));
}

const talking = { sends: true, receives: true };

test("a clean second has the best mark", () => {
  const { mos, received, sent, roundTrip, buffered } = second({ received: 50, sent: 50 });
  same([received.loss, received.packets, sent.packets, received.bitrate, roundTrip], [0, 50, 50, 16, 40]);
  ok(mos > 4.3 && buffered !== undefined && Math.abs(buffered - 20) < 0.01, `MOS ${String(mos)}`);
});

test("only what was lost in this second counts", () => {
  const { received } = second({ received: 140, lost: 20 }, { received: 100, lost: 10 });
  same(received.loss, 0.2);
});

test("the mark falls with loss and with delay, as the E-model says", () => {
  same([meanOpinion(50, 0) > 4.3, meanOpinion(400, 0) < 3.8, meanOpinion(50, 0.1) < 3.5, meanOpinion(50, 1)], [true, true, true, 1.08]);
});

test("the worse direction gives the mark", () => {
  ok(second({ received: 50, sent: 50, fractionLost: 0.15 }).mos < 3.2);
});

test("a second without packets says nothing about loss", () => {
  same(second({}).received.loss, undefined);
});

test("a warning needs three bad seconds, stands, and three good ones clear it", () => {
  const warnings = new Warnings();
  const bad = second({ received: 40, lost: 10 });
  const good = second({ received: 50 });
  const told = [bad, bad, bad, bad, good, good, good].map((report) => warnings.handleReport(report, talking).map(({ warning, cleared }) => `${warning.code} ${String(cleared)}`));
  same(told, [[], [], ["LOSS_RECEIVED false"], [], [], [], ["LOSS_RECEIVED true"]]);
  same(warnings.current, []);
});

test("a single bad second is nobody's business", () => {
  const warnings = new Warnings();
  const [bad, good] = [second({ received: 40, lost: 10 }), second({ received: 50 })];
  same([bad, bad, good, bad, bad, good].flatMap((report) => warnings.handleReport(report, talking)), []);
});

test("the warning says whose line it is: silence that arrives in packets is theirs, a dead microphone is ours", () => {
  const warnings = new Warnings();
  const silent = second({ received: 50, level: 0, sentLevel: 0 });
  const told = Array.from({ length: 10 }, () => warnings.handleReport(silent, talking)).flat().map(({ warning }) => `${warning.code} ${warning.leg}`);
  same(told, ["SILENCE_SENT here", "SILENCE_RECEIVED there"]);
});

test("a call that is muted or held is silent for a reason", () => {
  const warnings = new Warnings();
  const silent = second({ sentLevel: 0 });
  same(Array.from({ length: 12 }, () => warnings.handleReport(silent, { sends: false, receives: false })).flat(), []);
});

async function measured(answers: Numbers[]): Promise<Call> {
  fake.core = undefined;
  let count = 0;
  fake.peer = { getStats: () => Promise.resolve(stats(answers[Math.min(count++, answers.length - 1)] ?? {})) } as unknown as RTCPeerConnection;
  const ua = new UserAgent({ server: "/sip", audio: { ringback: false } });
  cleanup(() => { void ua.close(); fake.peer = undefined; });
  const call = ua.call("echo");
  await until(() => fake.core?.commands.includes("call echo"));
  return call;
}

test("reports begin with the sound and end with the call", async () => {
  const call = await measured([{}, { received: 50, sent: 50 }, { received: 100, sent: 100 }]);
  const seen: number[] = [];
  const reading = (async () => { for await (const { received } of call.quality.reports()) seen.push(received.packets); })();
  same(call.quality.grade, undefined);
  core().change(1, "active", 200);
  await until(() => seen.length === 2);
  same([seen, call.quality.grade], [[50, 50], "good"]);
  core().end(1);
  await reading;
});

test("warnings are events, and the grade falls with them", async () => {
  const call = await measured([{}, { received: 50 }, { received: 50 }, { received: 50 }, { received: 50 }]);
  const warned = next<QualityWarningEvent>(call.quality, "warning");
  core().change(1, "active", 200);
  const { warning, cleared } = await warned;
  same([warning.code, warning.leg, cleared, call.quality.grade, call.quality.warnings.length], ["NO_SOUND_RECEIVED", "here", false, "bad", 1]);
});
