// Calls that outlive their page, loaded anew or gone for good; what both sides hear, and what the PBX is told.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { CALLED, hears, speaking } from "../harness/conversation.mjs";
import { EchoPbx, isOneStream, longestPause, silence } from "../harness/echo-pbx.mjs";
import { until } from "../harness/process.mjs";
import { Relay } from "../harness/relay.mjs";
import { ALICE, BOB, MICROPHONE, World } from "../harness/world.mjs";

/** From the new page's `new UserAgent` to its first sound. */
const BUDGET = 2_000;
/** Longer than the relay ever waits for a late packet before it fills its place (relay-core/src/media/patience.rs). */
const PATIENCE = 500;
/** How long the relay keeps a call, in seconds. */
const WINDOW = 10;
const TARGET = "sip:echo@pbx.test";
const ACCOUNT = { uri: "sip:alice@pbx.test", password: "unasked" };

let world;
let pbx;
let relay;
let pages = [];
before(async () => {
  world = await World.start();
  pbx = world.add(await EchoPbx.start());
  relay = world.add(await Relay.before(pbx.address, { "limits.call_recovery": `${WINDOW}s` }));
});
after(() => world?.stop());
// What a failing test left must not spoil the next one.
afterEach(async () => {
  await Promise.allSettled(pages.map((page) => page.t("hangUpAll").finally(() => page.close())));
  pages = [];
  await relay.isIdle({ ms: 15_000 });
  await pbx.forgetRequests();
  await pbx.forgetSound();
});

const agent = (page, more) => page.t("agent", "ua", { server: relay.url, onPageHide: "keep", ...more });

/** A page in a call with the PBX's echo, which it hears. */
async function talking(more) {
  const page = await world.page();
  pages.push(page);
  await agent(page, more);
  await page.t("call", "ua", "call", TARGET);
  assert.ok((await page.t("answered", "call")).ok);
  await hears(page, "call", MICROPHONE.frequency);
  await pbx.forgetRequests();
  return page;
}

/** The page that came after takes its call back. Returns how long it was without sound since it was there, in ms. */
async function takesBack(page, more) {
  await agent(page, more);
  const found = await page.t("takenBack", "ua", "call");
  assert.equal(found.state, "reconnecting");
  assert.ok((await page.t("answered", "call")).ok, JSON.stringify(await page.t("journal", "call")));
  return page.t("firstSound", "ua", "call");
}

/** The page hangs up, and that is the first thing that the PBX is told since `talking`; REGISTERs are no matter of the call. */
async function hangsUpFirst(page) {
  await page.t("hangUpAll");
  await until(async () => (await pbx.requests()).includes("BYE"), { what: () => "the PBX hears of the end" });
  assert.equal((await pbx.requests()).find((method) => method !== "REGISTER"), "BYE", "the PBX was told something before");
}

/** What the PBX heard and was told is an ordinary call in which somebody was silent for a while. */
async function unnoticed(t, page, what, ms) {
  await hangsUpFirst(page);
  const [packets] = await pbx.heard();
  const gap = silence(packets, MICROPHONE.frequency);
  const pause = longestPause(packets);
  t.diagnostic(
    `${what}: ${Math.round(ms)} ms from the page's start to its first sound; the PBX is without the tone for ${gap} ms, and without a packet for ${pause}`,
  );
  assert.ok(pause < PATIENCE, `the PBX got no packet for ${pause} ms`);
  assert.ok(isOneStream(packets), "one SSRC, every sequence number once");
  assert.ok(ms < BUDGET, `${ms} ms`);
}

test("a call outlives the reload of its page, and the PBX notices nothing", async (t) => {
  const page = await talking();
  await page.reload();
  const ms = await takesBack(page);
  await hears(page, "call", MICROPHONE.frequency);
  await unnoticed(t, page, "reload", ms);
});

test("a registered page registers again, and then takes its call back", async (t) => {
  const page = await talking({ account: ACCOUNT });
  const talked = Date.now();
  await page.reload();
  const ms = await takesBack(page, { account: ACCOUNT });
  const least = Date.now() - talked;
  const { duration } = await page.t("about", "call");
  assert.ok(duration > least, `it counts from its own answer, not from its return: ${duration} ms, ${least} ms after it was heard`);
  await unnoticed(t, page, "reload of a registered page", ms);
});

test("a call outlives a page that is loaded anew twice", async (t) => {
  const page = await talking();
  await page.reload();
  await takesBack(page);
  await page.reload();
  const ms = await takesBack(page);
  await unnoticed(t, page, "the second reload", ms);
});

test("what was held stays held, what was muted stays muted, and both come back at a word", async () => {
  const page = await talking();
  assert.ok((await page.t("hold", "call", true)).ok);
  await page.t("mute", "call", true);
  await pbx.forgetRequests();
  await page.reload();
  await agent(page);
  const found = await page.t("takenBack", "ua", "call");
  assert.deepEqual([found.held.local, found.muted], [true, true]);
  assert.ok((await page.t("answered", "call")).ok);
  await page.t("mute", "call", false);
  assert.ok((await page.t("hold", "call", false)).ok);
  assert.deepEqual(await pbx.requests(), ["INVITE"], "all that the PBX was told is the end of the hold");
  await hears(page, "call", MICROPHONE.frequency);
});

test("two calls of one page both come back", async () => {
  const page = await talking();
  await page.t("call", "ua", "second", TARGET);
  assert.ok((await page.t("answered", "second")).ok);
  await pbx.forgetRequests();
  await page.reload();
  await agent(page);
  for (const id of ["one", "other"]) await page.t("takenBack", "ua", id);
  for (const id of ["one", "other"]) assert.ok((await page.t("answered", id)).ok);
  await hears(page, "one", MICROPHONE.frequency);
  assert.equal((await relay.health()).calls, 2);
  await hangsUpFirst(page);
});

test("a page that does not come back loses its call after the window, and one that comes too late is told", async () => {
  const page = await talking();
  const url = page.raw.url();
  const left = Date.now();
  await page.raw.goto("about:blank");
  await until(async () => (await pbx.requests()).includes("BYE"), { ms: 15_000, what: () => "the call ends" });
  const waited = Date.now() - left;
  assert.ok(waited >= WINDOW * 1_000, `it waited ${waited} ms`);
  await page.raw.goBack().catch(() => page.raw.goto(url));
  await page.loaded();
  await agent(page);
  await page.t("takenBack", "ua", "call");
  const end = await page.t("ended", "call");
  assert.deepEqual([end.by, end.error.code], ["remote", "CONNECTION_LOST"]);
});

test("a page that hangs up when it goes leaves nothing to take back", async () => {
  const page = await talking({ onPageHide: "hangup" });
  await page.reload();
  await until(async () => (await pbx.requests()).includes("BYE"), { ms: WINDOW * 500, what: () => "the call ends" });
});

test("the other page hears its partner again, and the partner hears it", async (t) => {
  const keeping = { onPageHide: "keep" };
  const [alice, bob] = await Promise.all([world.registered(ALICE, keeping), world.registered(BOB)]);
  await alice.t("call", "ua", "call", BOB.uri);
  await bob.t("incoming", "ua", "call");
  await bob.t("answer", "call", speaking(CALLED));
  await Promise.all([hears(alice, "call", CALLED), hears(bob, "call", MICROPHONE.frequency)]);
  await alice.reload();
  await alice.t("agent", "ua", { server: world.relay.url, account: ALICE, ...keeping });
  await alice.t("takenBack", "ua", "call");
  assert.ok((await alice.t("answered", "call")).ok);
  await Promise.all([hears(alice, "call", CALLED), hears(bob, "call", MICROPHONE.frequency)]);
  t.diagnostic(`between two pages: first sound after ${Math.round(await alice.t("firstSound", "ua", "call"))} ms`);
  await bob.t("hangUp", "call");
  assert.equal((await alice.t("ended", "call")).by, "remote");
  await world.relay.isIdle();
});
