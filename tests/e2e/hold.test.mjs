// Hold and resume between two pages through the demo exchange, by what each of them hears; refusals.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { decoded, level, strongest } from "../harness/sound.mjs";
import { ALICE, BOB, World } from "../harness/world.mjs";

const RATE = 48_000;
const FREE = { local: false, remote: false };
let world;
let alice;
let bob;
before(async () => {
  world = await World.start();
  [alice, bob] = await Promise.all([world.registered(ALICE), world.registered(BOB)]);
});
after(() => world?.stop());
afterEach(async () => {
  await Promise.all([alice.t("hangUpAll"), bob.t("hangUpAll")]);
  await world.relay.isIdle();
});

/** Alice calls Bob: she speaks at 500 Hz, he at 900. */
async function talk(id) {
  await alice.t("call", "ua", id, BOB.uri, { stream: { tone: 500, gain: 0.25 } });
  await bob.t("incoming", "ua", id);
  await bob.t("answer", id, { stream: { tone: 900, gain: 0.25 } });
  await Promise.all([alice.t("answered", id), bob.t("answered", id)]);
  await Promise.all([hears(alice, id, 900), hears(bob, id, 500)]);
}

const heard = async (page, id) => decoded(await page.t("record", id, 2_000)).subarray(RATE);

async function hears(page, id, frequency) {
  const found = strongest(await heard(page, id), RATE);
  assert.ok(Math.abs(found.frequency - frequency) <= 3 && found.level > -40, `heard ${found.frequency} Hz at ${found.level} dB, not ${frequency}`);
}

async function hearsNothing(page, id) {
  const sound = level(await heard(page, id));
  assert.ok(sound < -55, `heard ${sound.toFixed(1)} dB`);
}

async function change(page, id, held) {
  const result = await page.t("hold", id, held);
  assert.ok(result.ok, result.error?.message);
}

test("the tone stops with a hold and comes back with its end, both ways", async () => {
  await talk("hold");
  await change(alice, "hold", true);
  assert.deepEqual(await alice.t("held", "hold"), { local: true, remote: false });
  await bob.t("becomes", "hold", { local: false, remote: true });
  await Promise.all([hearsNothing(alice, "hold"), hearsNothing(bob, "hold")]);
  await change(alice, "hold", false);
  await bob.t("becomes", "hold", FREE);
  await Promise.all([hears(alice, "hold", 900), hears(bob, "hold", 500)]);
  const changes = (await alice.t("journal", "hold")).filter(({ type }) => type === "holdchange");
  assert.deepEqual(changes.map(({ held }) => held.local), [true, false]);
  for (const { held, now } of changes) assert.deepEqual(now, held, "an event tells what is already true");
});

test("both sides hold, and each resumes alone", async () => {
  await talk("both");
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
  await Promise.all([hears(alice, "both", 900), hears(bob, "both", 500)]);
});

test("two holds at the same moment are both done", async () => {
  await talk("glare");
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
