// Two accounts on one page: two user agents that know nothing of each other.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CALLED, CALLER, hears, speaking } from "../harness/conversation.mjs";
import { ALICE, BOB, World } from "../harness/world.mjs";

let world;
before(async () => {
  world = await World.start();
});
after(() => world?.stop());

test("two accounts of one page register, call each other and end one by one", async () => {
  const page = await world.page();
  await page.t("agent", "alice", { server: world.relay.url, account: ALICE });
  await page.t("agent", "bob", { server: world.relay.url, account: BOB });
  await Promise.all(["alice", "bob"].map((name) => page.t("registration", name, "registered")));

  await page.t("call", "alice", "out", BOB.uri, speaking(CALLER));
  const incoming = await page.t("incoming", "bob", "in");
  assert.match(incoming.remote.uri, /^sip:alice@/);
  await page.t("answer", "in", speaking(CALLED));
  await Promise.all([page.t("answered", "out"), page.t("answered", "in")]);
  await hears(page, "out", CALLED);
  await hears(page, "in", CALLER);

  await page.t("closeAgent", "bob");
  const end = await page.t("ended", "out");
  assert.equal(end.by, "remote");
  assert.equal((await page.t("agentState", "alice")).registration, "registered", "the other account stays");
  await page.t("closeAgent", "alice");
  await world.relay.isIdle();
  assert.deepEqual(page.uncaught(), []);
});
