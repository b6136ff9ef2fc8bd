// A conference that one page mixes: each of three hears exactly the two others, told by their tones.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { listen, speaking } from "../harness/conversation.mjs";
import { strength } from "../harness/sound.mjs";
import { ALICE, BOB, DOMAIN, World } from "../harness/world.mjs";

const RATE = 48_000;
const CAROL = { uri: `sip:carol@${DOMAIN}`, password: "carol-secret" };
/** What each of them says, in Hz: no one a multiple of another. */
const TONES = { alice: 500, bob: 900, carol: 1_270 };
let world;
let alice;
let bob;
let carol;
before(async () => {
  const accounts = ["alice:alice-secret", "bob:bob-secret", "carol:carol-secret"].join(",");
  world = await World.start({ settings: { "demo.accounts": accounts } });
  [alice, bob, carol] = await Promise.all([ALICE, BOB, CAROL].map((account) => world.registered(account)));
});
after(() => world?.stop());

/** These are heard in a call, by name, and nobody else. */
async function heardIn(page, id, ...names) {
  const heard = (samples) => Object.keys(TONES).filter((name) => strength(samples, RATE, TONES[name]) > -45);
  const samples = await listen(page, id, (found) => String(heard(found)) === String(names));
  assert.deepEqual(heard(samples), names, id);
}

async function call(page, account, id) {
  await alice.t("call", "ua", id, account.uri, speaking(TONES.alice));
  await page.t("incoming", "ua", id);
  await page.t("answer", id, speaking(page === bob ? TONES.bob : TONES.carol));
  await Promise.all([alice.t("answered", id), page.t("answered", id)]);
}

async function conference(name) {
  await call(bob, BOB, `${name}-bob`);
  const held = await alice.t("hold", `${name}-bob`, true);
  assert.ok(held.ok, held.error?.message);
  await call(carol, CAROL, `${name}-carol`);
  await alice.t("merge", name, `${name}-bob`, `${name}-carol`);
}

test("each of three hears exactly the two others", async () => {
  await conference("three");
  await Promise.all([
    heardIn(bob, "three-bob", "alice", "carol"),
    heardIn(carol, "three-carol", "alice", "bob"),
    heardIn(alice, "three-bob", "bob"),
    heardIn(alice, "three-carol", "carol"),
  ]);
});

test("who is muted is heard by nobody, and the others still hear each other", async () => {
  await alice.t("muteConference", "three", true);
  await Promise.all([heardIn(bob, "three-bob", "carol"), heardIn(carol, "three-carol", "bob")]);
  await alice.t("muteConference", "three", false);
});

test("who holds the conference is heard no more, and comes back", async () => {
  await bob.t("hold", "three-bob", true);
  await alice.t("becomes", "three-bob", { local: false, remote: true });
  await heardIn(carol, "three-carol", "alice");
  await bob.t("hold", "three-bob", false);
  await alice.t("becomes", "three-bob", { local: false, remote: false });
  await Promise.all([heardIn(bob, "three-bob", "alice", "carol"), heardIn(carol, "three-carol", "alice", "bob")]);
});

test("one who hangs up leaves the other two talking", async () => {
  await carol.t("hangUp", "three-carol");
  await alice.t("ended", "three-carol");
  assert.deepEqual(await alice.t("conference", "three"), { participants: 0, ended: true });
  await Promise.all([heardIn(bob, "three-bob", "alice"), heardIn(alice, "three-bob", "bob")]);
  await alice.t("hangUp", "three-bob");
  await world.relay.isIdle();
});

test("a call that is split off is held and goes on alone", async () => {
  await conference("split");
  await alice.t("split", "split", "split-bob");
  assert.deepEqual(await bob.t("held", "split-bob"), { local: false, remote: true });
  await Promise.all([heardIn(carol, "split-carol", "alice"), heardIn(bob, "split-bob")]);
  await alice.t("hangUpAll");
  await world.relay.isIdle();
});

test("the pages threw nothing", () => {
  assert.deepEqual([...alice.uncaught(), ...bob.uncaught(), ...carol.uncaught()], []);
});
