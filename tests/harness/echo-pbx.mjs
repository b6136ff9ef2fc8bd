// The smallest PBX: answers every INVITE, gives back the sound that it hears, and writes down what it is told.

import dgram from "node:dgram";
import { randomBytes } from "node:crypto";
import { strength } from "./sound.mjs";

const RATE = 8_000;
/** In ms. */
const PACKET = 20;

export class EchoPbx {
  #sip = dgram.createSocket("udp4");
  #streams = [];
  /** The methods of the requests that came, without ACK and OPTIONS. */
  requests = [];
  /** Each call's sound as it came: `{ at, ssrc, sequence, payload }`, in the order of the calls. */
  heard = [];

  static async start() {
    const pbx = new EchoPbx();
    pbx.#sip.on("message", (data, from) => void pbx.#answer(String(data), from));
    await bound(pbx.#sip);
    return pbx;
  }

  get address() {
    return `127.0.0.1:${this.#sip.address().port}`;
  }

  async stop() {
    await Promise.all([this.#sip, ...this.#streams].map((socket) => new Promise((resolve) => socket.close(resolve))));
  }

  async #answer(request, from) {
    const [method] = request.split(" ", 1);
    if (method === "ACK" || method === "SIP/2.0") return;
    if (method !== "OPTIONS") this.requests.push(method);
    const isCall = method === "INVITE" && !/^To:.*;tag=/im.test(request);
    const body = method === "INVITE" ? await this.#sound(isCall) : "";
    const rows = request.split("\r\n").filter((row) => /^(Via|From|Call-ID|CSeq|Record-Route):/i.test(row));
    const to = /^To:.*$/im.exec(request)[0];
    rows.push(/;tag=/i.test(to) ? to : `${to};tag=${randomBytes(6).toString("hex")}`);
    // So that the REGISTER is granted, whatever its Contact.
    const contact = method === "REGISTER" ? /^Contact:.*$/im.exec(request)?.[0] : `Contact: <sip:echo@${this.address}>`;
    if (contact) rows.push(contact);
    if (body) rows.push("Content-Type: application/sdp");
    const response = ["SIP/2.0 200 OK", ...rows, `Content-Length: ${body.length}`, "", body].join("\r\n");
    this.#sip.send(response, from.port, from.address);
  }

  /** A stream for a call; the description of the last one for a re-INVITE, which a test takes for a fault. */
  async #sound(isCall) {
    if (isCall) await this.#stream();
    const { port } = this.#streams.at(-1).address();
    const about = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", `m=audio ${port} RTP/AVP 0`];
    return `${about.join("\r\n")}\r\n`;
  }

  async #stream() {
    const [socket, packets] = [dgram.createSocket("udp4"), []];
    this.#streams.push(socket);
    this.heard.push(packets);
    socket.on("message", (packet, from) => {
      packets.push({ at: Date.now(), ssrc: packet.readUInt32BE(8), sequence: packet.readUInt16BE(2), payload: packet.subarray(12) });
      socket.send(packet, from.port, from.address);
    });
    await bound(socket);
  }
}

function bound(socket) {
  return new Promise((resolve) => socket.bind(0, "127.0.0.1", resolve));
}

/** The longest stretch without this tone, once it was there, in ms of the stream's own time. */
export function silence(packets, frequency) {
  let [longest, current] = [0, -Infinity];
  for (const { payload } of packets) {
    current = strength(linear(payload), RATE, frequency) > -30 ? 0 : current + PACKET;
    longest = Math.max(longest, current);
  }
  return longest;
}

/** The longest time between two packets, in ms. */
export function longestPause(packets) {
  return Math.max(...packets.slice(1).map(({ at }, index) => at - packets[index].at));
}

/** Whether it is one stream without a hole: one source, every number once. */
export function isOneStream(packets) {
  return packets.slice(1).every(({ ssrc, sequence }, index) => ssrc === packets[0].ssrc && sequence === ((packets[index].sequence + 1) & 0xffff));
}

/** ITU-T G.711 µ-law. */
function linear(payload) {
  return Float32Array.from(payload, (byte) => {
    const code = ~byte & 0xff;
    const magnitude = ((((code & 0x0f) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84;
    return (code & 0x80 ? -magnitude : magnitude) / 32_768;
  });
}
