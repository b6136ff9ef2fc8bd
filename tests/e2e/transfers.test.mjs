// Calls are transferred through the relay and the demo exchange, with sound: what is heard afterwards says to whom.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { decoded, strongest } from "../harness/sound.mjs";
import { ALICE, BOB, DOMAIN, World } from "../harness/world.mjs";

const RATE = 48_000;
let world;
let alice;
let bob;
before(async () => {
  world = await World.start();
  [alice, bob] = await Promise.all([world.registered(ALICE), world.registered(BOB)]);
});
after(() => world?.stop());

async function hears(page, id, frequency) {
  const heard = decoded(await page.t("record", id, 2_500)).subarray(RATE);
  const found = strongest(heard, RATE);
  assert.ok(Math.abs(found.frequency - frequency) <= 3, `heard ${found.frequency} Hz, not ${frequency}`);
}

/** Alice (500 Hz) talks to Bob (900 Hz). */
async function talking(name) {
  await alice.t("call", "ua", name, BOB.uri, { stream: { tone: 500, gain: 0.25 } });
  await bob.t("incoming", "ua", name);
  await bob.t("answer", name, { stream: { tone: 900, gain: 0.25 } });
  const [answered] = await Promise.all([alice.t("answered", name), bob.t("answered", name)]);
  assert.ok(answered.ok, answered.error?.message);
  await hears(bob, name, 500);
}

test("a blind transfer connects the other side with the target and ends the call", async () => {
  await talking("blind");
  const result = await alice.t("transfer", "blind", `sip:echo@${DOMAIN}`);
  assert.deepEqual(result, { ok: true, status: 200, confirmed: true });
  assert.equal((await alice.t("ended", "blind")).by, "local");
  // Bob's own tone comes back from the echo.
  await hears(bob, "blind", 900);
  assert.equal(await bob.t("state", "blind"), "active");
  await bob.t("hangUp", "blind");
  await world.relay.isIdle();
});

test("a transfer to a busy number fails with its error, and both still hear each other", async () => {
  await talking("failed");
  const result = await alice.t("transfer", "failed", `sip:busy@${DOMAIN}`);
  assert.equal(result.ok, false);
  assert.equal(result.error.code, "BUSY");
  await alice.t("resumed", "failed");
  await Promise.all([hears(bob, "failed", 500), hears(alice, "failed", 900)]);
  await alice.t("hangUp", "failed");
  await world.relay.isIdle();
});

test("an attended transfer gives the consulted call away", async () => {
  await talking("attended");
  await alice.t("consult", "attended", "consulted", `sip:echo@${DOMAIN}`, { stream: { tone: 500, gain: 0.25 } });
  await alice.t("answered", "consulted");
  await hears(alice, "consulted", 500);
  const result = await alice.t("complete", "attended");
  assert.deepEqual(result, { ok: true, status: 200, confirmed: true });
  await Promise.all([alice.t("ended", "attended"), alice.t("ended", "consulted")]);
  await hears(bob, "attended", 900);
  await bob.t("hangUp", "attended");
  await world.relay.isIdle();
});

test("a consultation that is cancelled comes back to the call", async () => {
  await talking("cancelled");
  await alice.t("consult", "cancelled", "asked", `sip:echo@${DOMAIN}`, { stream: { tone: 500, gain: 0.25 } });
  await alice.t("answered", "asked");
  await alice.t("cancelConsultation", "cancelled");
  await alice.t("resumed", "cancelled");
  await Promise.all([hears(bob, "cancelled", 500), hears(alice, "cancelled", 900)]);
  await alice.t("hangUp", "cancelled");
  await world.relay.isIdle();
});
