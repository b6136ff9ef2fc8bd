// Kamailio rings two phones at once: one sends sound early, the other one answers. Through our relay, with sound.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { hears, hearsNothing, speaking } from "../../harness/conversation.mjs";
import { Relay } from "../../harness/relay.mjs";
import { World } from "../../harness/world.mjs";
import { Sipp } from "../sipp/sipp.mjs";
import { account, Kamailio, phonesAt } from "./kamailio.mjs";

let world;
let relay;
let early;
let answering;
before(async () => {
  world = await World.start({ relay: false });
  early = world.add(await Sipp.start("uas-early-cancelled"));
  answering = world.add(await Sipp.start("uas-rings-answers", { echo: true }));
  const kamailio = world.add(await Kamailio.start());
  relay = world.add(await Relay.before(kamailio.address));
});
after(() => world?.stop());

test("the phone that answers has the call, with its sound, and the other one is cancelled", async () => {
  const page = await world.registered(account("alice"), { relay });
  await page.t("call", "ua", "forked", phonesAt(early.port, answering.port), speaking(500));
  await page.t("reached", "forked", "early");
  await hearsNothing(page, "forked");
  const answered = await page.t("answered", "forked");
  assert.ok(answered.ok, answered.error?.message);
  await hears(page, "forked", 500);
  await early.verdict();
  await page.t("hangUp", "forked");
  await answering.verdict();
  await relay.isIdle();
  assert.deepEqual(page.uncaught(), []);
  await page.close();
});
