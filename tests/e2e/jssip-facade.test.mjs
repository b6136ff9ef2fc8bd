// One page, written for JsSIP, runs with JsSIP and with switchhook/compat/jssip: both must tell it the same story.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { decoded, strongest } from "../harness/sound.mjs";
import { bundle } from "../harness/stacks.mjs";
import { ALICE, BOB, DOMAIN, loadedPage, MICROPHONE, World } from "../harness/world.mjs";

const STACKS = { JsSIP: "/bundle/jssip.js", Switchhook: "/package/dist/compat/jssip/index.js" };
const RATE = 48_000;
let world;
before(async () => {
  await bundle("jssip");
  world = await World.start();
});
after(() => world?.stop());
afterEach(() => world.clear());

async function started(stack, account = ALICE) {
  const page = world.watch(await loadedPage(world.browser, world.site, `jssip-app.html?stack=${STACKS[stack]}`));
  await page.t("start", world.relay.url, account.uri, account.password);
  return page;
}

async function registered(stack, account) {
  const page = await started(stack, account);
  await page.t("saw", "ua", "registered");
  return page;
}

/** Plays `story` with both stacks; what the page was told must be the same. */
function bothTell(name, story) {
  test(name, async () => {
    const told = {};
    for (const stack of Object.keys(STACKS)) {
      told[stack] = await story(stack);
      await world.relay.isIdle();
    }
    assert.deepEqual(told.Switchhook, told.JsSIP);
  });
}

bothTell("a call to the echo: its events in their order, and its sound", async (stack) => {
  const page = await registered(stack);
  await page.t("call", "out", `sip:echo@${DOMAIN}`);
  await page.t("saw", "out", "confirmed");
  const facts = await page.t("facts", "out");
  const heard = strongest(decoded(await page.t("record", "out", 2_500)).subarray(RATE), RATE);
  await page.t("terminate", "out");
  await page.t("saw", "out", "ended");
  const journal = await page.t("journal", "out");
  const ua = await page.t("journal", "ua");
  await page.close();
  return { journal, ua, facts, hears: Math.abs(heard.frequency - MICROPHONE.frequency) <= 3 };
});

bothTell("busy, not found and a wrong password have JsSIP's causes", async (stack) => {
  const page = await registered(stack);
  const told = [];
  for (const target of ["busy", "nobody-here"]) {
    await page.t("call", target, `sip:${target}@${DOMAIN}`);
    await page.t("saw", target, "failed");
    told.push((await page.t("journal", target)).at(-1));
  }
  await page.close();
  const wrong = await started(stack, { ...ALICE, password: "wrong" });
  await wrong.t("saw", "ua", "registrationFailed");
  told.push((await wrong.t("journal", "ua")).find(({ name }) => name === "registrationFailed"));
  await wrong.close();
  return told;
});

bothTell("a call that is given up while it rings was cancelled here", async (stack) => {
  const [page, other] = [await registered(stack), await registered(stack, BOB)];
  await page.t("call", "out", BOB.uri);
  await page.t("saw", "out", "progress");
  await other.t("saw", "in", "from");
  await page.t("terminate", "out");
  await page.t("saw", "out", "failed");
  await other.t("saw", "in", "failed");
  const told = [(await page.t("journal", "out")).at(-1), (await other.t("journal", "in")).at(-1)];
  await Promise.all([page.close(), other.close()]);
  return told;
});

bothTell("an incoming call: who calls, answer, mute, hold, digits, and the other side's end", async (stack) => {
  const [page, other] = [await registered(stack), await registered(stack, BOB)];
  await page.t("call", "out", BOB.uri);
  await other.t("saw", "in", "from");
  await other.t("answer");
  await Promise.all([page.t("saw", "out", "confirmed"), other.t("saw", "in", "confirmed")]);
  await page.t("mute", "out");
  await page.t("saw", "out", "muted");
  await page.t("unmute", "out");
  await page.t("hold", "out");
  await page.t("saw", "out", "hold");
  await other.t("saw", "in", "hold");
  const held = [(await page.t("facts", "out")).hold, (await other.t("facts", "in")).hold];
  await page.t("unhold", "out");
  await page.t("saw", "out", "unhold");
  await page.t("dtmf", "out", "5");
  await page.t("saw", "out", "newDTMF");
  await other.t("terminate", "in");
  await page.t("saw", "out", "ended");
  const told = { held, from: (await other.t("journal", "in"))[0], end: (await page.t("journal", "out")).at(-1), names: [...new Set((await page.t("journal", "out")).map(({ name }) => name))].sort() };
  await Promise.all([page.close(), other.close()]);
  return told;
});

bothTell("a text that the exchange does not take fails, and says so", async (stack) => {
  const page = await registered(stack);
  const result = await page.t("message", BOB.uri, "Здравствуйте");
  await page.close();
  return result;
});
