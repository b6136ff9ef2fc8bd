// Calls are transferred through the relay and the demo exchange, with sound: what is heard afterwards says to whom.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { CALLED, CALLER, hears, speaking, talk } from "../harness/conversation.mjs";
import { ALICE, BOB, DOMAIN, World } from "../harness/world.mjs";

let world;
let alice;
let bob;
before(async () => {
  world = await World.start();
  [alice, bob] = await Promise.all([world.registered(ALICE), world.registered(BOB)]);
});
after(() => world?.stop());
afterEach(() => world.clear(alice, bob));

test("a blind transfer connects the other side with the target and ends the call", async () => {
  await talk(alice, bob, "blind");
  const result = await alice.t("transfer", "blind", `sip:echo@${DOMAIN}`);
  assert.deepEqual(result, { ok: true, status: 200, confirmed: true });
  assert.equal((await alice.t("ended", "blind")).by, "local");
  // Bob's own tone comes back from the echo.
  await hears(bob, "blind", CALLED);
  assert.equal(await bob.t("state", "blind"), "active");
  await bob.t("hangUp", "blind");
  await world.relay.isIdle();
});

test("a transfer to a busy number fails with its error, and both still hear each other", async () => {
  await talk(alice, bob, "failed");
  const result = await alice.t("transfer", "failed", `sip:busy@${DOMAIN}`);
  assert.equal(result.ok, false);
  assert.equal(result.error.code, "BUSY");
  await alice.t("resumed", "failed");
  await Promise.all([hears(bob, "failed", CALLER), hears(alice, "failed", CALLED)]);
  await alice.t("hangUp", "failed");
  await world.relay.isIdle();
});

test("an attended transfer gives the consulted call away", async () => {
  await talk(alice, bob, "attended");
  await alice.t("consult", "attended", "consulted", `sip:echo@${DOMAIN}`, speaking(CALLER));
  await alice.t("answered", "consulted");
  await hears(alice, "consulted", CALLER);
  const result = await alice.t("complete", "attended");
  assert.deepEqual(result, { ok: true, status: 200, confirmed: true });
  await Promise.all([alice.t("ended", "attended"), alice.t("ended", "consulted")]);
  await hears(bob, "attended", CALLED);
  await bob.t("hangUp", "attended");
  await world.relay.isIdle();
});

test("a consultation that is cancelled comes back to the call", async () => {
  await talk(alice, bob, "cancelled");
  await alice.t("consult", "cancelled", "asked", `sip:echo@${DOMAIN}`, speaking(CALLER));
  await alice.t("answered", "asked");
  await alice.t("cancelConsultation", "cancelled");
  await alice.t("resumed", "cancelled");
  await Promise.all([hears(bob, "cancelled", CALLER), hears(alice, "cancelled", CALLED)]);
  await alice.t("hangUp", "cancelled");
  await world.relay.isIdle();
});
