// Bad input on the browsers' door and on the PBXs' door: each has its right SIP status, and everything else goes on.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import dgram from "node:dgram";
import { after, before, test } from "node:test";
import { RawSip, request, webOffer } from "../harness/raw-sip.mjs";
import { Stack, within } from "../harness/process.mjs";
import { Relay } from "../harness/relay.mjs";

const ECHO = "sip:echo@demo.localhost";
const stack = new Stack();
let relay;
let raw;
before(async () => {
  relay = stack.add(await Relay.demo());
  raw = await RawSip.open(relay.url);
  stack.add({ stop: () => raw.close() });
});
after(() => stack.stop());

/** The same connection still speaks SIP. */
async function assertAlive(on = raw) {
  const { status } = await on.ask(request("OPTIONS"));
  assert.equal(status, 200, "OPTIONS is answered");
}

function invite(options = {}) {
  return request("INVITE", { uri: ECHO, body: webOffer(), ...options });
}

test("the WebSocket speaks the subprotocol sip, and refuses to speak without it", async () => {
  assert.equal(raw.protocol, "sip");
  const response = await fetch(`${relay.http}/sip`);
  assert.ok(response.status >= 400 && response.status < 500, `plain HTTP is answered ${response.status}`);
});

test("text that is not SIP is dropped, and the connection goes on", async () => {
  raw.send("hello");
  raw.send("");
  raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  raw.send("\u0000\u0001\u0002");
  await assertAlive();
});

test("a frame of 1 MB closes its connection with 1009, and no other", async () => {
  const greedy = await RawSip.open(relay.url);
  greedy.send("A".repeat(1 << 20));
  const { code } = await greedy.closed;
  assert.equal(code, 1009);
  await assertAlive();
});

for (const name of ["From", "To", "Call-ID", "CSeq"]) {
  test(`a request without ${name} is refused or dropped`, async () => {
    const broken = request("OPTIONS", { headers: { [name]: undefined } });
    raw.send(broken.text);
    await assertAlive();
    assert.deepEqual(raw.unread.filter((text) => text.startsWith("SIP/2.0 2") && text.includes(broken.host)), []);
  });
}

test("a request without From that can be answered is answered 400", async () => {
  const { status } = await raw.ask(request("OPTIONS", { headers: { From: undefined } }));
  assert.equal(status, 400);
});

test("a Content-Length beyond the message is answered 400", async () => {
  const { status } = await raw.ask(invite({ headers: { "Content-Length": "9999" } }));
  assert.equal(status, 400);
  await assertAlive();
});

test("a Content-Length that is no number is answered 400", async () => {
  const { status } = await raw.ask(invite({ headers: { "Content-Length": "-1" } }));
  assert.equal(status, 400);
});

test("a CSeq with another method is answered 400", async () => {
  const { status } = await raw.ask(request("OPTIONS", { headers: { CSeq: "1 INVITE" } }));
  assert.equal(status, 400);
});

test("another version of SIP is answered 505", async () => {
  const future = request("OPTIONS");
  const { status } = await raw.ask({ ...future, text: future.text.replace("SIP/2.0\r\n", "SIP/7.0\r\n") });
  assert.equal(status, 505);
});

test("an unknown method is answered 405 with Allow", async () => {
  const answer = await raw.ask(request("DANCE", { uri: ECHO }));
  assert.equal(answer.status, 405);
  assert.match(answer.header("Allow") ?? "", /INVITE/);
});

test("an unknown extension in Require is answered 420 and named", async () => {
  const answer = await raw.ask(invite({ extra: ["Require: teleportation"] }));
  assert.equal(answer.status, 420);
  assert.match(answer.header("Unsupported") ?? "", /teleportation/);
});

test("an offer without audio is answered 488", async () => {
  const { status } = await raw.ask(invite({ body: webOffer({ media: "video" }) }));
  assert.equal(status, 488);
});

test("an offer without a fingerprint is answered 488", async () => {
  const { status } = await raw.ask(invite({ body: webOffer({ without: /^a=fingerprint/ }) }));
  assert.equal(status, 488);
});

test("an offer without ICE credentials is answered 488", async () => {
  const { status } = await raw.ask(invite({ body: webOffer({ without: /^a=ice-/ }) }));
  assert.equal(status, 488);
});

for (const [what, change] of [
  ["with a fingerprint of SHA-1", (sdp) => sdp.replace(/sha-256 .*/, `sha-1 ${Array(20).fill("AA").join(":")}`)],
  ["with half a fingerprint", (sdp) => sdp.replace(/sha-256 .*/, "sha-256 AA:BB")],
  ["with an empty ICE user fragment", (sdp) => sdp.replace(/ice-ufrag:.*/, "ice-ufrag:")],
  ["without rtcp-mux", (sdp) => sdp.replace("a=rtcp-mux\r\n", "")],
]) {
  test(`an offer ${what} is answered 488 with the reason, and not with a call without sound`, async () => {
    const answer = await raw.ask(invite({ body: change(webOffer()) }));
    assert.equal(answer.status, 488);
    assert.match(answer.header("Warning") ?? "", /^399 \S+ ".{20,}"$/);
  });
}

test("an offer under RTP/SAVPF, or with G.711 alone, is no bad input", async () => {
  const older = webOffer().replace("UDP/TLS/RTP/SAVPF", "RTP/SAVPF");
  const plain = webOffer().replace("SAVPF 111 110", "SAVPF 0 8 110").replace(/a=rtpmap:111.*\r\n/, "");
  for (const body of [older, plain]) {
    const { status } = await raw.ask(invite({ body }));
    assert.ok([401, 407].includes(status), `it got as far as the exchange's challenge: ${status}`);
  }
});

test("a request whose lines all end with LF is answered", async () => {
  const lines = request("OPTIONS");
  const { status } = await raw.ask({ ...lines, text: lines.text.replaceAll("\r\n", "\n") });
  assert.equal(status, 200);
});

test("a request line of 9 kB is answered 513", async () => {
  const { status } = await raw.ask(request("OPTIONS", { uri: `sip:${"a".repeat(9_000)}@demo.localhost`, headers: { To: `<${ECHO}>` } }));
  assert.equal(status, 513);
});

test("a body that is no SDP is answered with a 4xx", async () => {
  const { status } = await raw.ask(invite({ body: "this is not a description" }));
  assert.ok(status >= 400 && status < 500, `status ${status}`);
});

test("a body of an unknown type is answered 415 or 488", async () => {
  const { status } = await raw.ask(invite({ body: "<xml/>", type: "application/xml" }));
  assert.ok([415, 488].includes(status), `status ${status}`);
});

test("a BYE for no dialog is answered 481", async () => {
  const { status } = await raw.ask(request("BYE", { uri: ECHO, headers: { To: `<${ECHO}>;tag=none` } }));
  assert.equal(status, 481);
});

test("a CANCEL for no INVITE is answered 481", async () => {
  const { status } = await raw.ask(request("CANCEL", { uri: ECHO }));
  assert.equal(status, 481);
});

test("Max-Forwards 0 is answered 483", async () => {
  const { status } = await raw.ask(invite({ headers: { "Max-Forwards": "0" } }));
  assert.equal(status, 483);
});

test("an INVITE without credentials is challenged, and the browser's own digest is asked for", async () => {
  const offer = invite();
  const answer = await raw.ask(offer);
  assert.ok([401, 407].includes(answer.status), `status ${answer.status}`);
  assert.match(answer.text, /^(WWW|Proxy)-Authenticate: *Digest /im);
});

test("noise on the PBXs' door is dropped", async (t) => {
  const [host, port] = relay.sip.split(":");
  const socket = dgram.createSocket("udp4");
  t.after(() => socket.close());
  for (let n = 0; n < 200; n += 1) socket.send(randomBytes(1 + (n * 7) % 1_400), Number(port), host);
  for (const text of ["\r\n\r\n", "INVITE", "SIP/2.0 200 OK\r\n\r\n", request("INVITE").text.slice(0, 90), "\0".repeat(500)]) {
    socket.send(text, Number(port), host);
  }
  const answered = new Promise((resolve) => socket.on("message", (text) => String(text).startsWith("SIP/2.0 200") && resolve()));
  socket.send(request("OPTIONS", { transport: "UDP" }).text, Number(port), host);
  await within(answered, 5_000, () => "the relay does not answer OPTIONS over UDP any more");
  await assertAlive();
});

test("no call and no connection is left over", async () => {
  assert.ok(relay.isRunning);
  await relay.isIdle();
  const { webSockets } = await relay.health();
  assert.equal(webSockets, 1);
  assert.doesNotMatch(relay.log, /panicked/);
});
