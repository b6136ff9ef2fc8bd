// What a PBX rarely or never sends, through the relay to a browser: each has its right status, and the call goes on.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Relay } from "../../harness/relay.mjs";
import { World } from "../../harness/world.mjs";
import { Near } from "../near.mjs";
import { header, PbxByHand, SDP } from "./pbx.mjs";

let world;
let pbx;
let near;
before(async () => {
  world = await World.start({ relay: false });
  pbx = world.add(await PbxByHand.start());
  const relay = world.add(await Relay.before(pbx.address));
  near = await Near.open(world, "sdk", { server: relay.url, account: { uri: "sip:alice@pbx.test", password: "x" } });
  await near.saw("registered");
});
after(() => world?.stop());

async function talking() {
  const dialog = await pbx.call(async () => near.t("answer", await near.incoming()));
  return dialog;
}

async function goesOn(dialog) {
  const { status } = await pbx.ask("OPTIONS", { dialog });
  assert.equal(status, 200, "the call goes on");
  await near.reset();
}

test("an INFO with an unknown body is answered 415 with what is understood", async () => {
  const dialog = await talking();
  const refused = await pbx.ask("INFO", { dialog, type: "application/media_control+xml", body: "<media_control/>" });
  assert.equal(refused.status, 415);
  assert.match(refused.header("Accept"), /application\/dtmf-relay/);
  await goesOn(dialog);
});

test("an INFO whose digit cannot be read is answered 400", async () => {
  const dialog = await talking();
  const { status } = await pbx.ask("INFO", { dialog, type: "application/dtmf-relay", body: "Signal=X\r\n" });
  assert.equal(status, 400);
  await goesOn(dialog);
});

test("a text of 33 kB is answered 413, and a small one after it arrives", async () => {
  assert.equal((await pbx.ask("MESSAGE", { body: "x".repeat(33 * 1_024) })).status, 413);
  assert.equal((await pbx.ask("MESSAGE", { body: "small" })).status, 200);
  assert.equal((await near.saw("message")).body, "small");
});

test("a text of a type that the page does not take is answered 415", async () => {
  const refused = await pbx.ask("MESSAGE", { type: "image/png", body: "x" });
  assert.equal(refused.status, 415);
  assert.match(refused.header("Accept"), /^text\//);
});

test("a text too long for a datagram is answered 413 where the PBX takes no TCP", async () => {
  await assert.rejects(near.t("message", "sip:bob@pbx.test", "x".repeat(2_000)));
  const answer = near.frames.findLast(({ sent, text }) => !sent && /^CSeq: \d+ MESSAGE/m.test(text));
  assert.match(answer.text, /^SIP\/2\.0 413 Too Long For UDP To The PBX/);
});

test("an INVITE that is to replace a call which is none is answered 481", async () => {
  const { status } = await pbx.ask("INVITE", { headers: { Replaces: "no-such-call;from-tag=a;to-tag=b" } });
  assert.equal(status, 481);
});

test("an INVITE with a Replaces that cannot be read is answered 400", async () => {
  const { status } = await pbx.ask("INVITE", { headers: { Replaces: "no-such-call" } });
  assert.equal(status, 400);
});

test("a voice-mail lamp that nobody has subscribed for reaches the registered page, another state is answered 481", async () => {
  const type = "application/simple-message-summary";
  const lamp = { headers: { Event: "message-summary", "Subscription-State": "active" }, type, body: "Messages-Waiting: yes\r\nVoice-Message: 2/1\r\n" };
  assert.equal((await pbx.ask("NOTIFY", lamp)).status, 200);
  const { content } = await near.saw("unasked");
  assert.equal(content.waiting, true);
  assert.equal(content.voice.new, 2);
  assert.equal((await pbx.ask("NOTIFY", { ...lamp, headers: { ...lamp.headers, Event: "presence" } })).status, 481);
});

test("a NOTIFY of no subscription is answered 481, inside a call and outside", async () => {
  const headers = { Event: "presence", "Subscription-State": "active" };
  assert.equal((await pbx.ask("NOTIFY", { headers })).status, 481);
  const dialog = await talking();
  const sipfrag = { dialog, headers: { ...headers, Event: "refer" }, type: "message/sipfrag", body: "SIP/2.0 200 OK" };
  assert.equal((await pbx.ask("NOTIFY", sipfrag)).status, 481);
  await goesOn(dialog);
});

test("a REFER without an address is answered 400, one to a web page 403", async () => {
  const dialog = await talking();
  assert.equal((await pbx.ask("REFER", { dialog })).status, 400);
  assert.equal((await pbx.ask("REFER", { dialog, headers: { "Refer-To": "<http://example.com/>" } })).status, 403);
  await goesOn(dialog);
});

test("an extension that nobody knows is answered 420 and named", async () => {
  const refused = await pbx.ask("INVITE", { headers: { Require: "teleportation" } });
  assert.equal(refused.status, 420);
  assert.equal(refused.header("Unsupported"), "teleportation");
});

test("a session interval below 90 s is answered 422 with the shortest", async () => {
  const refused = await pbx.ask("INVITE", { headers: { Supported: "timer", "Session-Expires": "20" } });
  assert.equal(refused.status, 422);
  assert.equal(refused.header("Min-SE"), "90");
});

test("a storm of REFERs in one call does not end it", async () => {
  const dialog = await talking();
  const headers = { "Refer-To": "<sip:carol@pbx.test>" };
  // At once, for who still decides after 2 s has been answered 202.
  const rejection = near.saw("transferrequest").then(({ id }) => near.t("rejectTransfer", id));
  const [first, ...others] = await Promise.all(Array.from({ length: 20 }, () => pbx.ask("REFER", { dialog, headers })));
  await rejection;
  assert.equal(first.status, 603);
  for (const other of others) assert.ok(other.status >= 400, "one transfer at a time");
  await goesOn(dialog);
});

test("a longer session interval that the PBX wants is asked for", async () => {
  const id = await near.call("sip:bob@pbx.test");
  const first = await pbx.next((message) => message.startsWith("INVITE "));
  assert.match(first, /^Session-Expires: 1800/m);
  pbx.answer(first, "422 Session Interval Too Small", { headers: { "Min-SE": "3600" } });
  // The first one may have come again before its answer.
  const second = await pbx.next((message) => message.startsWith("INVITE ") && header(message, "CSeq") !== header(first, "CSeq"));
  assert.match(second, /^Session-Expires: 3600/m);
  assert.match(second, /^Min-SE: 3600/m);
  assert.equal(header(second, "Call-ID"), header(first, "Call-ID"));
  pbx.answer(second, "486 Busy Here");
  assert.equal((await near.ended(id)).error.code, "BUSY");
  await near.reset();
});

test("a PBX that holds by UPDATE has held the call", async () => {
  const dialog = await talking();
  const held = await pbx.ask("UPDATE", { dialog, type: "application/sdp", body: SDP.replace("sendrecv", "sendonly").replace("1 1 IN", "1 2 IN") });
  assert.equal(held.status, 200);
  assert.match(held.text, /^a=recvonly/m);
  assert.equal((await near.saw("hold")).held.remote, true);
  await goesOn(dialog);
});
