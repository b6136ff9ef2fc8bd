// Our SDK against Kamailio's WebSocket, without our relay: register, call another browser with sound, call a SIP phone.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { hears } from "../../harness/conversation.mjs";
import { World } from "../../harness/world.mjs";
import { Sipp } from "../sipp/sipp.mjs";
import { account, Kamailio, phoneAt } from "./kamailio.mjs";

// Without a relay both browsers must learn each other's addresses before the offer leaves.
const direct = { gatheringTimeout: 2_000 };
let world;
let server;
let busyPhone;
before(async () => {
  world = await World.start({ relay: false });
  busyPhone = world.add(await Sipp.start("uas-reject", { status: "486 Busy Here" }));
  server = world.add(await Kamailio.start());
});
after(() => world?.stop());
afterEach(() => world.clear());

const registered = (user) => world.registered(account(user), { relay: server, ...direct });

test("the SDK registers with Kamailio and withdraws it", async () => {
  const page = await registered("alice");
  const journal = await page.t("agentJournal", "ua");
  const { expires } = journal.find(({ state }) => state === "registered");
  assert.ok(expires > 0, `for ${expires} s`);
  await page.t("unregister", "ua");
  assert.equal((await page.t("agentState", "ua")).registration, "unregistered");
  await page.close();
});

test("Kamailio's refusal of a password is told", async () => {
  const page = await world.page();
  await page.t("agent", "ua", { server: server.url, account: { ...account("alice"), password: "not-this" } });
  assert.equal((await page.t("registration", "ua", "failed")).error.code, "WRONG_CREDENTIALS");
  await page.close();
});

test("two browsers call each other through Kamailio, and hear each other", async () => {
  const [alice, bob] = await Promise.all([registered("alice"), registered("bob")]);
  await alice.t("call", "ua", "out", "sip:bob@pbx.test", { stream: { tone: 500, gain: 0.25 } });
  await bob.t("incoming", "ua", "in");
  await alice.t("reached", "out", "ringing");
  await bob.t("answer", "in", { stream: { tone: 900, gain: 0.25 } });
  await Promise.all([alice.t("answered", "out"), bob.t("answered", "in")]);
  await Promise.all([hears(alice, "out", 900), hears(bob, "in", 500)]);
  await alice.t("hangUp", "out");
  assert.equal((await bob.t("ended", "in")).by, "remote");
  await Promise.all([alice.close(), bob.close()]);
});

test("a phone behind Kamailio that is busy is told as busy", async () => {
  const page = await registered("alice");
  await page.t("call", "ua", "busy", phoneAt(busyPhone.port));
  const end = await page.t("ended", "busy");
  assert.equal(end.status, 486);
  assert.equal(end.error.code, "BUSY");
  await busyPhone.verdict();
  await page.close();
});

test("a user whom Kamailio does not know is not found", async () => {
  const page = await registered("alice");
  await page.t("call", "ua", "nobody", "sip:carol@pbx.test");
  assert.equal((await page.t("ended", "nobody")).error.code, "NOT_FOUND");
  await page.close();
});
