// The thread of echo-pbx.mjs.

import { randomBytes } from "node:crypto";
import dgram from "node:dgram";
import { parentPort } from "node:worker_threads";

const sip = dgram.createSocket("udp4");
/** The last call's socket for sound. */
let sound;
let requests = [];
let heard = [];
/** The responses by branch, for requests that come again. */
const answered = new Map();

const commands = {
  address: () => `127.0.0.1:${sip.address().port}`,
  requests: () => requests,
  heard: () => heard,
  forgetRequests: () => void (requests = []),
  forgetSound: () => void (heard = []),
};

sip.on("message", async (data, from) => {
  const request = String(data);
  const [method] = request.split(" ", 1);
  if (method === "ACK" || method === "SIP/2.0") return;
  const transaction = `${method} ${/^Via:.*;branch=([^;\s]+)/im.exec(request)[1]}`;
  if (!answered.has(transaction)) {
    if (method !== "OPTIONS") requests.push(method);
    answered.set(transaction, response(method, request));
  }
  sip.send(await answered.get(transaction), from.port, from.address);
});
await bound(sip);
parentPort.on("message", ({ id, what }) => parentPort.postMessage({ id, value: commands[what]() }));

async function response(method, request) {
  const isCall = method === "INVITE" && !/^To:.*;tag=/im.test(request);
  const body = method === "INVITE" ? await description(isCall) : "";
  const rows = request.split("\r\n").filter((row) => /^(Via|From|Call-ID|CSeq|Record-Route):/i.test(row));
  const to = /^To:.*$/im.exec(request)[0];
  rows.push(/;tag=/i.test(to) ? to : `${to};tag=${randomBytes(6).toString("hex")}`);
  // So that the REGISTER is granted, whatever its Contact.
  const contact = method === "REGISTER" ? /^Contact:.*$/im.exec(request)?.[0] : `Contact: <sip:echo@${commands.address()}>`;
  if (contact) rows.push(contact);
  if (body) rows.push("Content-Type: application/sdp");
  return ["SIP/2.0 200 OK", ...rows, `Content-Length: ${body.length}`, "", body].join("\r\n");
}

/** A stream for a call; the description of the last one for a re-INVITE, which a test takes for a fault. */
async function description(isCall) {
  if (isCall) await listen();
  const about = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", `m=audio ${sound.address().port} RTP/AVP 0`];
  return `${about.join("\r\n")}\r\n`;
}

async function listen() {
  const packets = [];
  heard.push(packets);
  sound = dgram.createSocket("udp4");
  const socket = sound;
  socket.on("message", (packet, from) => {
    socket.send(packet, from.port, from.address);
    packets.push({ ssrc: packet.readUInt32BE(8), sequence: packet.readUInt16BE(2), timestamp: packet.readUInt32BE(4), payload: packet.subarray(12) });
  });
  await bound(socket);
}

function bound(socket) {
  return new Promise((resolve) => socket.bind(0, "127.0.0.1", resolve));
}
