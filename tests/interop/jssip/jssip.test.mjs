// JsSIP as the client of our relay: register, call echo, hear it, hang up; be called.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { hears } from "../../harness/conversation.mjs";
import { bundle } from "../../harness/stacks.mjs";
import { ALICE, BOB, DOMAIN, loadedPage, World } from "../../harness/world.mjs";

let world;
let page;
before(async () => {
  await bundle("jssip");
  world = await World.start();
  page = await loadedPage(world.browser, world.site, "jssip.html");
});
after(() => world?.stop());

test("JsSIP registers", async () => {
  await page.t("start", world.relay.url, ALICE.uri, ALICE.password);
  await page.t("saw", "registered", undefined);
});

test("JsSIP calls echo, hears its tone and hangs up", async () => {
  await page.t("call", "echo", `sip:echo@${DOMAIN}`, 650);
  await page.t("saw", "confirmed", "echo");
  await hears(page, "echo", 650);
  await page.t("hangUp", "echo");
  assert.equal((await page.t("saw", "ended", "echo")).originator, "local");
  await world.relay.isIdle();
});

test("our SDK calls JsSIP, and both hear each other", async () => {
  const ours = await world.registered(BOB);
  await ours.t("call", "ua", "out", ALICE.uri, { stream: { tone: 500, gain: 0.25 } });
  assert.match((await page.t("saw", "incoming", "in")).from, /^sip:bob@/);
  await page.t("answer", "in", 850);
  await ours.t("answered", "out");
  await Promise.all([hears(ours, "out", 850), hears(page, "in", 500)]);
  await ours.t("hangUp", "out");
  assert.equal((await page.t("saw", "ended", "in")).originator, "remote");
  await world.relay.isIdle();
});

test("JsSIP is refused with a wrong password", async () => {
  const other = await loadedPage(world.browser, world.site, "jssip.html");
  await other.t("start", world.relay.url, BOB.uri, "not-this");
  await other.t("saw", "registrationFailed", undefined);
  await other.close();
});
