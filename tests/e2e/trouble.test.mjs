// What goes wrong outside the page: each trouble has its typed error, a sentence, and an end; the rest goes on.

import assert from "node:assert/strict";
import dgram from "node:dgram";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { startChromium } from "../harness/browser.mjs";
import { freePort } from "../harness/process.mjs";
import { Relay } from "../harness/relay.mjs";
import { ALICE, BOB, DOMAIN, World } from "../harness/world.mjs";

let world;
let silence;
before(async () => {
  world = await World.start();
  silence = await silentPbx(world);
});
after(() => world?.stop());

/** A PBX that hears everything and says nothing: its call takes the whole of timer B, beside the other tests. */
async function silentPbx(into) {
  const socket = dgram.createSocket("udp4");
  await new Promise((resolve) => socket.bind(0, "127.0.0.1", resolve));
  into.add({ stop: () => new Promise((resolve) => socket.close(resolve)) });
  const relay = into.add(await Relay.before(`127.0.0.1:${socket.address().port}`));
  const page = await into.page();
  await page.t("agent", "ua", { server: relay.url });
  const began = Date.now();
  await page.t("call", "ua", "silent", "sip:anyone@pbx.test");
  const end = page.t("ended", "silent", 45_000).then((how) => ({ ...how, after: Date.now() - began }), (error) => ({ error }));
  return { end, page };
}

/** A sentence for people: it begins with a capital, ends with a full stop and names no internals. */
function assertSentence(error) {
  assert.match(error.message, /^[A-Z].{15,}\.$/s, error.message);
  assert.doesNotMatch(error.message, /undefined|\[object|panicked|unreachable/, error.message);
}

test("a wrong password is told once, and not tried again", async () => {
  const page = await world.page();
  await page.t("agent", "ua", { server: world.relay.url, account: { ...ALICE, password: "not-this" } });
  const failed = await page.t("registration", "ua", "failed");
  assert.equal(failed.error.code, "WRONG_CREDENTIALS");
  assertSentence(failed.error);
  await delay(3_000);
  const sent = page.frames.filter(({ sent, text }) => sent && text.startsWith("REGISTER "));
  assert.ok(sent.length <= 2, `${sent.length} REGISTERs were sent`);
  const journal = await page.t("agentJournal", "ua");
  assert.equal(journal.filter(({ state }) => state === "failed").length, 1);
  await page.close();
});

test("a wrong password ends a call with the same error", async () => {
  const page = await world.page();
  await page.t("agent", "ua", { server: world.relay.url, register: false, account: { ...ALICE, password: "not-this" } });
  await page.t("call", "ua", "refused", `sip:echo@${DOMAIN}`);
  const end = await page.t("ended", "refused");
  assert.equal(end.error.code, "WRONG_CREDENTIALS");
  const invites = page.frames.filter(({ sent, text }) => sent && text.startsWith("INVITE "));
  assert.ok(invites.length <= 2, `${invites.length} INVITEs were sent`);
  await page.close();
});

test("a denied microphone is told before anything is sent", async () => {
  const browser = world.add(await startChromium({ microphone: "denied" }));
  const page = await world.registered(BOB, { browser });
  await page.t("call", "ua", "denied", `sip:echo@${DOMAIN}`);
  const end = await page.t("ended", "denied");
  assert.equal(end.by, "system");
  assert.equal(end.error.code, "MIC_DENIED");
  assertSentence(end.error);
  assert.ok(!page.frames.some(({ sent, text }) => sent && text.startsWith("INVITE ")), "no INVITE left");
  await page.close();
});

test("a PBX without a socket is told at once", async () => {
  const relay = world.add(await Relay.before("127.0.0.1:1"));
  const page = await world.page();
  await page.t("agent", "ua", { server: relay.url });
  const began = Date.now();
  await page.t("call", "ua", "closed", "sip:anyone@pbx.test");
  const end = await page.t("ended", "closed", 15_000);
  // Without word of it, Timer B would take 32 s.
  assert.ok(Date.now() - began < 15_000, `after ${Date.now() - began} ms`);
  assert.ok(["UNREACHABLE", "SERVER_ERROR"].includes(end.error.code), end.error.code);
  assertSentence(end.error);
  assert.ok(end.status >= 500, `status ${end.status}`);
  await relay.isIdle();
  await page.close();
});

test("a relay that is not there is told, and tried again", async () => {
  const page = await world.page();
  await page.t("agent", "ua", { server: `ws://127.0.0.1:${await freePort()}/sip`, account: ALICE });
  const ready = await page.t("ready", "ua");
  assert.equal(ready.ok, false);
  assert.equal(ready.error.code, "CONNECTION_REFUSED");
  assertSentence(ready.error);
  assert.equal(ready.error.retryable, true);
  assert.equal((await page.t("agentState", "ua")).connection, "reconnecting");
  await page.close();
});

test("a relay that comes back is found again", async () => {
  const relay = world.add(await Relay.demo());
  const page = await world.page();
  await page.t("agent", "ua", { server: relay.url, account: BOB });
  await page.t("registration", "ua", "registered");
  await relay.stop();
  await page.t("connection", "ua", "reconnecting");
  const again = world.add(await Relay.demo({ "web.listen": relay.host }));
  await page.t("registeredAgain", "ua", 30_000);
  assert.equal((await again.health()).registrations, 1);
  await page.close();
});

test("a target that is no number and no address is told by the call", async () => {
  const page = await world.page();
  await page.t("agent", "ua", { server: world.relay.url });
  await page.t("call", "ua", "nonsense", "sip:@@");
  const end = await page.t("ended", "nonsense");
  assert.equal(end.error.code, "INVALID_TARGET");
  assertSentence(end.error);
  await page.close();
});

test("a PBX that says nothing is told within 32 seconds", async () => {
  const end = await silence.end;
  assert.ok(end.after !== undefined, String(end.error));
  assert.ok(end.after > 5_000 && end.after < 40_000, `after ${end.after} ms`);
  const last = silence.page.frames.filter(({ sent, text }) => !sent && /^SIP\/2\.0 [3-6]/.test(text)).map(({ text }) => text.split("\r\n")[0]);
  assert.ok(["TIMEOUT", "UNREACHABLE", "SERVER_ERROR"].includes(end.error.code), `${end.error.code}, status ${end.status}, from ${last}`);
  assertSentence(end.error);
});

test("the relay goes on", async () => {
  assert.ok(world.relay.isRunning);
  const page = await world.registered(ALICE);
  await page.t("call", "ua", "after-all", `sip:echo@${DOMAIN}`);
  assert.ok((await page.t("answered", "after-all")).ok);
  await page.t("hangUp", "after-all");
  await page.t("ended", "after-all");
});
