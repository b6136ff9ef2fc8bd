// Chromium calls the numbers of the demo exchange: what comes back is identified by its sound, and the page's state is
// right at each step.

import assert from "node:assert/strict";
import { copyFile, mkdir } from "node:fs/promises";
import path from "node:path";
import { after, afterEach, before, test } from "node:test";
import { cache } from "../harness/paths.mjs";
import { until } from "../harness/process.mjs";
import { hears, hearsNothing, listen } from "../harness/conversation.mjs";
import { compare, decoded, digits, level, resample, speech, strongest, writeWav } from "../harness/sound.mjs";
import { ALICE, DOMAIN, MICROPHONE, World } from "../harness/world.mjs";

const RATE = 48_000;
let world;
let page;
before(async () => {
  await mkdir(path.join(cache, "bundle"), { recursive: true });
  world = await World.start();
  page = await world.registered(ALICE);
});
after(() => world?.stop());
afterEach(() => world.clear(page));

/** The states of a call in their order of life; none comes twice, none goes back. */
const LIFE = ["new", "calling", "ringing", "early", "active", "ended"];

async function assertLife(id, ...expected) {
  const states = await page.t("states", id);
  const places = states.map((state) => LIFE.indexOf(state));
  assert.deepEqual(places, [...new Set(places)].sort((a, b) => a - b), `in order: ${states}`);
  for (const state of expected) assert.ok(states.includes(state), `${state} is in ${states}`);
  const journal = await page.t("journal", id);
  for (const entry of journal.filter(({ type }) => type === "statechange")) {
    assert.equal(entry.now, entry.state, "an event tells what is already true");
  }
}

/** Calls and waits for the answer. */
async function talk(id, number) {
  assert.equal(await page.t("call", "ua", id, `sip:${number}@${DOMAIN}`), "new", "the call is there at once");
  const answered = await page.t("answered", id);
  assert.ok(answered.ok, answered.error?.message);
  assert.equal(await page.t("state", id), "active");
}

async function hangUp(id) {
  await page.t("hangUp", id);
  const end = await page.t("ended", id);
  assert.equal(end.by, "local");
  assert.equal(end.error, undefined);
  assert.equal(await page.t("state", id), "ended");
  await world.relay.isIdle();
}

test("echo gives back the microphone's tone, at its frequency and level", async () => {
  await talk("echo", "echo");
  const isIt = ({ frequency, level, purity }) =>
    Math.abs(frequency - MICROPHONE.frequency) <= 3 && Math.abs(level - MICROPHONE.level) <= 2 && purity > 15;
  const found = strongest(await listen(page, "echo", (samples) => isIt(strongest(samples, RATE))), RATE);
  assert.ok(isIt(found), JSON.stringify(found));
  await assertLife("echo", "new", "calling", "active");
  await hangUp("echo");
  await assertLife("echo", "ended");
});

test("echo says the same as was said, soon", async (t) => {
  await copyFile((await speech(RATE)).file, path.join(cache, "bundle/speech.wav"));
  await page.t("player", "said", "/bundle/speech.wav");
  await page.t("call", "ua", "said", `sip:echo@${DOMAIN}`, { player: "said" });
  await page.t("answered", "said");
  await page.t("connected", "said");
  const heard = resample(decoded(await page.t("echoed", "said", 13_000)), RATE, 8_000);
  await writeWav("heard-echo.wav", heard, 8_000);
  const found = compare((await speech(8_000)).samples, heard, 8_000);
  t.diagnostic(`there and back in ${(found.delay * 1_000).toFixed(0)} ms (drift ${(found.drift * 1_000).toFixed(0)} ms), likeness ${found.likeness.toFixed(3)}, gain ${found.gain.toFixed(1)} dB`);
  assert.ok(found.likeness > 0.9, `likeness ${found.likeness.toFixed(3)}`);
  assert.ok(found.delay > 0 && found.delay < 0.6, `there and back in ${found.delay.toFixed(3)} s`);
  await hangUp("said");
});

test("a muted microphone echoes silence, and the tone again when it is unmuted", async () => {
  await talk("mute", "echo");
  await page.t("mute", "mute", true);
  await hearsNothing(page, "mute");
  await page.t("mute", "mute", false);
  await hears(page, "mute", MICROPHONE.frequency);
  const journal = await page.t("journal", "mute");
  assert.deepEqual(journal.filter(({ type }) => type === "mutechange").map(({ muted }) => muted), [true, false]);
  await hangUp("mute");
});

/** The digits that are heard in a recording, once there are as many and nothing follows: ivr speaks 3 s after a digit. */
async function spoken(id, count) {
  const isOver = (samples) => digits(samples, RATE).length >= count && level(samples.subarray(-4 * RATE)) < -60;
  const heard = async () => decoded(await page.t("recorded", id));
  await until(async () => isOver(await heard()), { ms: 20_000, every: 500, what: `${count} digits are heard, then silence` });
  return digits(decoded(await page.t("stopRecording", id)), RATE);
}

test("ivr speaks the digits it received, exactly those", async () => {
  const dialled = "159#07*8";
  await talk("ivr", "ivr");
  await page.t("startRecording", "ivr");
  await page.t("digits", "ivr", dialled);
  assert.equal(await spoken("ivr", dialled.length), dialled);
  const journal = await page.t("journal", "ivr");
  assert.equal(journal.filter(({ type }) => type === "digitsent").map(({ digit }) => digit).join(""), dialled);
  await hangUp("ivr");
});

test("a key that is held for seconds is one digit", async () => {
  await talk("held", "ivr");
  await page.t("startRecording", "held");
  await page.t("digits", "held", "5", { duration: 3_000 });
  assert.equal(await spoken("held", 1), "5");
  await hangUp("held");
});

test("music is heard, without a gap", async () => {
  await talk("music", "music");
  await page.t("record", "music", 500);
  const heard = decoded(await page.t("record", "music", 4_000));
  assert.ok(level(heard) > -35, `${level(heard).toFixed(1)} dB`);
  for (let from = 0; from + RATE <= heard.length; from += RATE) {
    assert.ok(level(heard.subarray(from, from + RATE)) > -45, `second ${from / RATE}`);
  }
  await hangUp("music");
});

test("busy is told as busy", async () => {
  await page.t("call", "ua", "busy", `sip:busy@${DOMAIN}`);
  const answered = await page.t("answered", "busy");
  assert.equal(answered.ok, false);
  assert.equal(answered.error.code, "BUSY");
  const end = await page.t("ended", "busy");
  assert.equal(end.by, "remote");
  assert.equal(end.status, 486);
  await assertLife("busy", "calling", "ended");
});

test("a number that nobody has is told as not found", async () => {
  await page.t("call", "ua", "nobody", `sip:nobody-has-this@${DOMAIN}`);
  const end = await page.t("ended", "nobody");
  assert.equal(end.status, 404);
  assert.equal(end.error.code, "NOT_FOUND");
});

test("noanswer rings and is never active", async () => {
  await page.t("call", "ua", "noanswer", `sip:noanswer@${DOMAIN}`);
  await page.t("reached", "noanswer", "ringing");
  const end = await page.t("ended", "noanswer", 45_000);
  assert.equal(end.by, "remote");
  assert.equal(end.error.code, "NO_ANSWER");
  assert.ok(!(await page.t("states", "noanswer")).includes("active"));
});

test("a call that rings can be cancelled", async () => {
  await page.t("call", "ua", "cancel", `sip:noanswer@${DOMAIN}`);
  await page.t("reached", "cancel", "ringing");
  await page.t("hangUp", "cancel");
  const end = await page.t("ended", "cancel", 3_000);
  assert.equal(end.by, "local");
  const answered = await page.t("answered", "cancel");
  assert.equal(answered.error.code, "CANCELLED");
  await world.relay.isIdle();
  assert.ok(page.frames.some(({ sent, text }) => sent && text.startsWith("CANCEL ")), "a CANCEL was sent");
  await until(() => page.frames.some(({ sent, text }) => !sent && text.startsWith("SIP/2.0 487")), { what: "and answered with 487" });
});

test("a call that is taken back at once leaves nothing behind", async () => {
  const before = page.frames.length;
  await page.t("call", "ua", "early", `sip:echo@${DOMAIN}`);
  await page.t("hangUp", "early");
  assert.equal((await page.t("ended", "early")).by, "local");
  // What the next call says comes after all that the first one had to say.
  await talk("next", "echo");
  await hangUp("next");
  const callId = ({ text }) => /^(?:Call-ID|i): *(\S+)/im.exec(text)?.[1];
  const frames = page.frames.slice(before);
  const next = callId(frames.findLast(({ sent, text }) => sent && text.startsWith("INVITE ")));
  const early = frames.filter((frame) => callId(frame) && callId(frame) !== next);
  const invites = early.filter(({ sent, text }) => sent && text.startsWith("INVITE "));
  const refused = early.filter(({ sent, text }) => !sent && /^SIP\/2\.0 [3-6]/.test(text) && /^CSeq: \d+ INVITE/im.test(text));
  const takenBack = early.filter(({ sent, text }) => sent && /^(CANCEL|BYE) /.test(text));
  assert.ok(refused.length === invites.length || takenBack.length > 0, `${invites.length} INVITEs, ${refused.length} refused`);
});

test("the page threw nothing", () => {
  assert.deepEqual(page.uncaught(), []);
});
