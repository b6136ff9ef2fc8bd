// baresip and the browser call each other through the relay. What each heard is compared with what the other played:
// level, delay, likeness, and PESQ where it is installed.

import assert from "node:assert/strict";
import { copyFile, mkdir } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { pesq } from "../../harness/pesq.mjs";
import { cache } from "../../harness/paths.mjs";
import { Relay } from "../../harness/relay.mjs";
import { compare, decoded, join, resample, silence, speech, strongest, tone, writeWav } from "../../harness/sound.mjs";
import { World } from "../../harness/world.mjs";
import { account, Kamailio } from "../kamailio/kamailio.mjs";
import { Baresip } from "./baresip.mjs";

const RATE = 8_000;
let world;
let sentence;
let plays;
before(async () => {
  world = await World.start({ relay: false });
  sentence = await speech(RATE);
  // Longer than the calls, because baresip hangs up at the end of its file.
  plays = await writeWav("speech-then-silence.wav", join(silence(1, RATE), sentence.samples, silence(20, RATE)), RATE);
  await mkdir(path.join(cache, "bundle"), { recursive: true });
  await copyFile((await speech(48_000)).file, path.join(cache, "bundle/speech.wav"));
});
after(() => world?.stop());

/** The recording says what the source said, as loud, and no later than `latest` seconds. */
async function assertAlike(t, name, source, heard, { latest }) {
  const found = compare(source, heard, RATE);
  const score = await pesq(source, heard.subarray(Math.max(0, Math.round((found.delay - 0.1) * RATE))), RATE);
  t.diagnostic(
    `${name}: likeness ${found.likeness.toFixed(3)}, gain ${found.gain.toFixed(1)} dB, begins at ${found.delay.toFixed(2)} s, drift ${(found.drift * 1_000).toFixed(0)} ms` +
      (score === undefined ? ", PESQ not installed" : `, PESQ ${score.toFixed(2)}`),
  );
  await writeWav(`heard-${name}.wav`, heard, RATE);
  assert.ok(found.likeness > 0.9, `${name}: likeness ${found.likeness.toFixed(3)}`);
  assert.ok(Math.abs(found.gain) < 2, `${name}: gain ${found.gain.toFixed(1)} dB`);
  assert.ok(found.delay < latest, `${name}: begins at ${found.delay.toFixed(2)} s`);
  return score ?? Infinity;
}

/** On a busy machine a browser gets its packets late and stretches the sound, which is no fault of the relay's. */
const TRIES = 3;

/** Repeats a call until nobody's PESQ is below what a good line gives. */
async function assertClear(call) {
  const faults = [];
  for (let n = 0; n < TRIES; n += 1) {
    const scores = await call(n).catch((error) => error);
    if (!(scores instanceof Error) && scores.every((score) => score > 3.2)) return;
    faults.push(scores instanceof Error ? scores.message : `PESQ ${scores.join(", ")}`);
  }
  assert.fail(`none of ${TRIES} calls was clear: ${faults.join("; ")}`);
}

/** Both talk for the length of the sentence; gives what the browser heard at 8 kHz. */
async function converse(page, id) {
  await page.t("startRecording", id);
  const seconds = await page.t("play", "speech");
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000 + 2_000));
  return resample(decoded(await page.t("stopRecording", id)), 48_000, RATE);
}

test("the browser calls baresip, and both hear each other", async (t) => {
  const phone = world.add(await Baresip.start("called", { plays }));
  const relay = world.add(await Relay.before(`127.0.0.1:${phone.port}`));
  const page = await world.page();
  await page.t("agent", "ua", { server: relay.url });
  await page.t("player", "speech", "/bundle/speech.wav");
  await assertClear(async (n) => {
    const id = `out-${n}`;
    await page.t("call", "ua", id, "sip:phone@127.0.0.1", { player: "speech" });
    await page.t("answered", id);
    await phone.event("CALL_ESTABLISHED");
    const heard = await converse(page, id);
    await page.t("hangUp", id);
    assert.equal((await page.t("ended", id)).by, "local");
    await phone.event("CALL_CLOSED");
    return [
      await assertAlike(t, "by-browser", sentence.samples, heard, { latest: 2 }),
      await assertAlike(t, "by-baresip", sentence.samples, (await phone.heard()).samples, { latest: 3 }),
    ];
  });
  await relay.isIdle();
  await page.close();
});

// Through a PBX that both are registered at: baresip itself, and the browser by way of the relay, which passes on its
// digests. Kamailio rather than the demo exchange, because baresip gives up when it is offered SHA-256 beside MD5.
test("baresip calls the browser, and hangs up", async (t) => {
  const pbx = world.add(await Kamailio.start());
  const relay = world.add(await Relay.before(pbx.address));
  const page = await world.registered(account("alice"), { relay });
  await page.t("player", "speech", "/bundle/speech.wav");
  const phone = world.add(
    await Baresip.start("caller", { plays, answers: "manual", account: { ...account("bob"), registrar: pbx.address } }),
  );
  // Its control port may be too late for the event.
  await phone.line(/200 OK .*1 binding/);
  await assertClear(async (n) => {
    const id = `in-${n}`;
    phone.dial(account("alice").uri);
    const incoming = await page.t("incoming", "ua", id);
    assert.match(incoming.remote.uri, /^sip:bob@/);
    await page.t("answer", id, { player: "speech" });
    await page.t("answered", id);
    await phone.event("CALL_ESTABLISHED");
    const heard = await converse(page, id);
    phone.hangUp();
    const end = await page.t("ended", id);
    assert.equal(end.by, "remote");
    assert.equal(end.error, undefined);
    return [
      await assertAlike(t, "by-callee", sentence.samples, heard, { latest: 2 }),
      await assertAlike(t, "by-caller", sentence.samples, (await phone.heard()).samples, { latest: 3 }),
    ];
  });
  await relay.isIdle();
});

// What narrow band cannot carry: 5 kHz one way, 6 kHz the other. The browser is only asked for it where G.722 comes first.
const WIDE_BAND = { from: 500, to: 7_500 };
test("in wide band the browser and baresip hear each other above 4 kHz", async () => {
  const wide = 16_000;
  const plays = await writeWav("tone-6000-wide.wav", join(silence(0.5, wide), tone(6_000, 20, { rate: wide, level: -12 })), wide);
  const phone = world.add(await Baresip.start("wide", { plays, codecs: "G722/16000/1", rate: wide }));
  const relay = world.add(await Relay.before(`127.0.0.1:${phone.port}`, { "media.codecs": "G722,PCMU" }));
  const page = await world.page();
  await page.t("agent", "ua", { server: relay.url });
  await page.t("call", "ua", "wide", "sip:phone@127.0.0.1", { stream: { tone: 5_000, gain: 0.25 } });
  await page.t("answered", "wide");
  await phone.event("CALL_ESTABLISHED");
  const heard = decoded(await page.t("record", "wide", 2_000));
  await page.t("hangUp", "wide");
  await page.t("ended", "wide");
  await phone.event("CALL_CLOSED");
  assertTone(strongest(heard.subarray(48_000), 48_000, WIDE_BAND), 6_000);
  const at = await phone.heard();
  assert.equal(at.rate, wide);
  assertTone(strongest(at.samples.subarray(wide), wide, WIDE_BAND), 5_000);
  await relay.isIdle();
  await page.close();
});

// What no codec but Opus carries that telephones know: 9 and 10 kHz. The relay decodes nothing, so it is baresip's Opus and
// the browser's that meet.
const FULL_BAND = { from: 500, to: 15_000 };
test("Opus passes the relay as it is, and both hear each other above 8 kHz", async () => {
  const full = 48_000;
  const plays = await writeWav("tone-9000-full.wav", join(silence(0.5, full), tone(9_000, 20, { rate: full, level: -12 })), full, 2);
  const phone = world.add(await Baresip.start("opus", { plays, codecs: "opus/48000/2", rate: full }));
  const relay = world.add(await Relay.before(`127.0.0.1:${phone.port}`, { "media.codecs": "PCMU,opus" }));
  const page = await world.page();
  await page.t("agent", "ua", { server: relay.url });
  await page.t("call", "ua", "opus", "sip:phone@127.0.0.1", { stream: { tone: 10_000, gain: 0.25 } });
  await page.t("answered", "opus");
  await phone.event("CALL_ESTABLISHED");
  const heard = decoded(await page.t("record", "opus", 2_000));
  await page.t("hangUp", "opus");
  await page.t("ended", "opus");
  await phone.event("CALL_CLOSED");
  assertTone(strongest(heard.subarray(full), full, FULL_BAND), 9_000);
  const at = await phone.heard();
  assertTone(strongest(at.samples.subarray(full), at.rate, FULL_BAND), 10_000);
  await relay.isIdle();
  await page.close();
});

// SDES both ways: baresip's SRTP is of another family than ours. It may, and it must.
for (const [srtp, encrypts, profile] of [["optional", "srtp", "RTP/AVP"], ["required", "srtp-mand", "RTP/SAVP"]]) {
  test(`with encryption ${srtp} the browser and baresip hear each other through SRTP`, async () => {
    const plays = await writeWav("tone-1300-srtp.wav", join(silence(0.5, RATE), tone(1_300, 20, { rate: RATE, level: -12 })), RATE);
    const phone = world.add(await Baresip.start(`srtp-${srtp}`, { plays, encrypts, trace: true }));
    const relay = world.add(await Relay.trunk(`127.0.0.1:${phone.port}`, `srtp = "${srtp}"`));
    const page = await world.page();
    await page.t("agent", "ua", { server: relay.url });
    await page.t("call", "ua", srtp, "sip:phone@127.0.0.1", { stream: { tone: 900, gain: 0.25 } });
    await page.t("answered", srtp);
    await phone.event("CALL_ESTABLISHED");
    const heard = decoded(await page.t("record", srtp, 2_000));
    await page.t("hangUp", srtp);
    await page.t("ended", srtp);
    await phone.event("CALL_CLOSED");
    const keys = phone.log.match(new RegExp(`m=audio \\d+ ${profile} [^]*?a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:`, "g"));
    assert.ok(keys?.length >= 2, "a key in the offer and one in the answer");
    assertTone(strongest(heard.subarray(48_000), 48_000), 1_300);
    assertTone(strongest((await phone.heard()).samples.subarray(RATE), RATE), 900);
    await relay.isIdle();
    await page.close();
  });
}

function assertTone({ frequency, level }, expected) {
  assert.ok(Math.abs(frequency - expected) < 20 && level > -30, `${frequency.toFixed(0)} Hz at ${level.toFixed(1)} dB instead of ${expected} Hz`);
}
