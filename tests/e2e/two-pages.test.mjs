// Two pages call each other through the demo exchange.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { CALLED, CALLER, hears, speaking } from "../harness/conversation.mjs";
import { ALICE, BOB, World } from "../harness/world.mjs";

let world;
let alice;
let bob;
before(async () => {
  world = await World.start();
  [alice, bob] = await Promise.all([world.registered(ALICE), world.registered(BOB)]);
});
after(() => world?.stop());
afterEach(() => world.clear(alice, bob));

test("both hear each other, and the end on one side is the end on the other", async () => {
  await alice.t("call", "ua", "out", BOB.uri, speaking(CALLER));
  const incoming = await bob.t("incoming", "ua", "in");
  assert.match(incoming.remote.uri, /^sip:alice@/);
  assert.equal(incoming.state, "ringing");
  await alice.t("reached", "out", "ringing");
  await bob.t("answer", "in", speaking(CALLED));
  const [answered] = await Promise.all([alice.t("answered", "out"), bob.t("answered", "in")]);
  assert.ok(answered.ok, answered.error?.message);
  await Promise.all([hears(alice, "out", CALLED), hears(bob, "in", CALLER)]);
  await bob.t("hangUp", "in");
  assert.equal((await bob.t("ended", "in")).by, "local");
  const end = await alice.t("ended", "out");
  assert.equal(end.by, "remote");
  assert.equal(end.error, undefined);
  await world.relay.isIdle();
});

test("a call that is declined says so", async () => {
  await bob.t("call", "ua", "declined", ALICE.uri);
  await alice.t("incoming", "ua", "decline");
  await alice.t("reject", "decline", 603);
  const end = await bob.t("ended", "declined");
  assert.equal(end.by, "remote");
  assert.equal(end.status, 603);
  assert.equal(end.error.code, "REJECTED");
  assert.equal((await alice.t("ended", "decline")).by, "local");
});

test("a caller who gives up stops the ringing", async () => {
  await alice.t("call", "ua", "given-up", BOB.uri);
  await bob.t("incoming", "ua", "missed");
  await alice.t("reached", "given-up", "ringing");
  await alice.t("hangUp", "given-up");
  assert.equal((await alice.t("ended", "given-up")).by, "local");
  assert.equal((await bob.t("ended", "missed")).by, "remote");
  await world.relay.isIdle();
});

test("a page that goes away ends its call at once", async () => {
  const guest = await world.registered(BOB);
  await alice.t("call", "ua", "deserted", BOB.uri);
  await guest.t("incoming", "ua", "mine");
  await guest.t("answer", "mine");
  await alice.t("answered", "deserted");
  await guest.close();
  const end = await alice.t("ended", "deserted", 5_000);
  assert.notEqual(end.by, "local");
  await world.relay.isIdle();
});

test("the pages threw nothing", () => {
  assert.deepEqual([...alice.uncaught(), ...bob.uncaught()], []);
});
