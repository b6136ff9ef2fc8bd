// SIPp behind the relay, doing what PBXs do; and SIPp as the phone that calls a browser.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Relay } from "../../harness/relay.mjs";
import { decoded, strongest } from "../../harness/sound.mjs";
import { MICROPHONE, World } from "../../harness/world.mjs";
import { account, Kamailio } from "../kamailio/kamailio.mjs";
import { Sipp } from "./sipp.mjs";

const RATE = 48_000;
let world;
before(async () => {
  world = await World.start({ relay: false });
});
after(() => world?.stop());

/** A page whose calls go to a SIPp scenario. */
async function calling(scenario, options) {
  const sipp = world.add(await Sipp.start(scenario, options));
  const relay = world.add(await Relay.before(sipp.address));
  const page = await world.page();
  await page.t("agent", "ua", { server: relay.url });
  await page.t("call", "ua", "call", "sip:phone@pbx.test");
  return { sipp, relay, page };
}

for (const { status, code } of [
  { status: "486 Busy Here", code: "BUSY" },
  { status: "404 Not Found", code: "NOT_FOUND" },
  { status: "408 Request Timeout", code: "NO_ANSWER" },
  { status: "500 Server Internal Error", code: "SERVER_ERROR" },
  { status: "603 Decline", code: "REJECTED" },
]) {
  test(`a PBX that answers ${status} is told as ${code}`, async () => {
    const { sipp, relay, page } = await calling("uas-reject", { status });
    const end = await page.t("ended", "call");
    assert.equal(end.by, "remote");
    assert.equal(end.status, Number(status.slice(0, 3)));
    assert.equal(end.error.code, code);
    await sipp.verdict();
    await relay.isIdle();
    await page.close();
  });
}

test("early media is heard before the answer", async () => {
  const { sipp, relay, page } = await calling("uas-early-media", { echo: true });
  await page.t("reached", "call", "early");
  const heard = decoded(await page.t("record", "call", 1_500)).subarray(RATE / 2);
  assert.equal(await page.t("state", "call"), "early");
  const found = strongest(heard, RATE);
  assert.ok(Math.abs(found.frequency - MICROPHONE.frequency) <= 3, `heard ${found.frequency} Hz at ${found.level.toFixed(1)} dB`);
  await page.t("answered", "call");
  await page.t("hangUp", "call");
  await page.t("ended", "call");
  await sipp.verdict();
  await relay.isIdle();
  await page.close();
});

test("an answer without ringing is an answer, in PCMA as well", async () => {
  const { sipp, relay, page } = await calling("uas-no-ringing", { echo: true });
  await page.t("answered", "call");
  const heard = decoded(await page.t("record", "call", 2_000)).subarray(RATE / 2);
  const found = strongest(heard, RATE);
  assert.ok(Math.abs(found.frequency - MICROPHONE.frequency) <= 3, `heard ${found.frequency} Hz at ${found.level.toFixed(1)} dB`);
  assert.ok(!(await page.t("states", "call")).includes("ringing"), "nothing rang");
  await page.t("hangUp", "call");
  await page.t("ended", "call");
  await sipp.verdict();
  await relay.isIdle();
  await page.close();
});

test("a PBX that hangs up at once ends the call, with its cause", async () => {
  const { sipp, relay, page } = await calling("uas-bye-at-once");
  const end = await page.t("ended", "call");
  assert.equal(end.by, "remote");
  assert.equal(end.error, undefined);
  assert.equal(end.q850, 16);
  await sipp.verdict();
  await relay.isIdle();
  await page.close();
});

test("each 200 of a PBX to which the ACK got lost is acknowledged", async () => {
  const { sipp, relay, page } = await calling("uas-lost-ack");
  await page.t("answered", "call");
  const end = await page.t("ended", "call");
  assert.equal(end.by, "remote", "the PBX hangs up once it has both ACKs");
  await sipp.verdict();
  await relay.isIdle();
  await page.close();
});

test("a call that SIPp rings is cancelled toward it", async () => {
  const { sipp, relay, page } = await calling("uas-cancelled");
  await page.t("reached", "call", "ringing");
  await page.t("hangUp", "call");
  assert.equal((await page.t("ended", "call")).by, "local");
  await sipp.verdict();
  await relay.isIdle();
  await page.close();
});

test("SIPp calls the browser, is heard being there, and hangs up", async () => {
  // Kamailio rather than the demo exchange, because SIPp gives up when it is offered SHA-256 beside MD5.
  const pbx = world.add(await Kamailio.start());
  const relay = world.add(await Relay.before(pbx.address));
  const page = await world.registered(account("alice"), { relay });
  const caller = { user: "bob", password: account("bob").password };
  const sipp = world.add(
    await Sipp.start("uac-call", { target: pbx.address, service: "alice", keys: { domain: "pbx.test" }, ...caller, echo: true }),
  );
  const incoming = await page.t("incoming", "ua", "in");
  assert.match(incoming.remote.uri, /^sip:bob@/);
  await page.t("answer", "in");
  await page.t("answered", "in");
  const heard = decoded(await page.t("record", "in", 1_500)).subarray(RATE / 2);
  const found = strongest(heard, RATE);
  assert.ok(Math.abs(found.frequency - MICROPHONE.frequency) <= 3, `heard ${found.frequency} Hz at ${found.level.toFixed(1)} dB`);
  const end = await page.t("ended", "in");
  assert.equal(end.by, "remote");
  await sipp.verdict();
  await relay.isIdle();
  await page.close();
});
