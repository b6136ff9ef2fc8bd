// Hold and resume between two pages through the demo exchange, by what each of them hears; refusals.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { CALLED, CALLER, hears, hearsNothing, talk } from "../harness/conversation.mjs";
import { ALICE, BOB, World } from "../harness/world.mjs";

const FREE = { local: false, remote: false };
let world;
let alice;
let bob;
before(async () => {
  world = await World.start();
  [alice, bob] = await Promise.all([world.registered(ALICE), world.registered(BOB)]);
});
after(() => world?.stop());
afterEach(() => world.clear(alice, bob));

async function change(page, id, held) {
  const result = await page.t("hold", id, held);
  assert.ok(result.ok, result.error?.message);
}

test("the tone stops with a hold and comes back with its end, both ways", async () => {
  await talk(alice, bob, "hold");
  await change(alice, "hold", true);
  assert.deepEqual(await alice.t("held", "hold"), { local: true, remote: false });
  await bob.t("becomes", "hold", { local: false, remote: true });
  await Promise.all([hearsNothing(alice, "hold"), hearsNothing(bob, "hold")]);
  await change(alice, "hold", false);
  await bob.t("becomes", "hold", FREE);
  await Promise.all([hears(alice, "hold", CALLED), hears(bob, "hold", CALLER)]);
  const changes = (await alice.t("journal", "hold")).filter(({ type }) => type === "holdchange");
  assert.deepEqual(changes.map(({ held }) => held.local), [true, false]);
  for (const { held, now } of changes) assert.deepEqual(now, held, "an event tells what is already true");
});

test("both sides hold, and each resumes alone", async () => {
  await talk(alice, bob, "both");
  await change(alice, "both", true);
  await bob.t("becomes", "both", { local: false, remote: true });
  await change(bob, "both", true);
  await alice.t("becomes", "both", { local: true, remote: true });
  await change(alice, "both", false);
  assert.deepEqual(await alice.t("held", "both"), { local: false, remote: true }, "Bob still holds");
  await bob.t("becomes", "both", { local: true, remote: false });
  await Promise.all([hearsNothing(alice, "both"), hearsNothing(bob, "both")]);
  await change(bob, "both", false);
  await alice.t("becomes", "both", FREE);
  await Promise.all([hears(alice, "both", CALLED), hears(bob, "both", CALLER)]);
});

test("two holds at the same moment are both done", async () => {
  await talk(alice, bob, "glare");
  await Promise.all([alice, bob].map(async (page) => {
    const result = await page.t("hold", "glare", true, 20_000);
    assert.ok(result.ok, result.error?.message);
  }));
  await Promise.all([alice, bob].map((page) => page.t("becomes", "glare", { local: true, remote: true }, 15_000)));
});

test("a hold before the answer is refused in words", async () => {
  await alice.t("call", "ua", "early", BOB.uri);
  await bob.t("incoming", "ua", "early");
  const result = await alice.t("hold", "early", true);
  assert.equal(result.error.code, "WRONG_STATE");
});
