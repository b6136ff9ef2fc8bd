// A phone that rings, answers, and speaks from its first packet: what `answer to first sound` is measured against.
// It says at what moment it answered, so that nothing but the way of the answer and of the sound is in the figure.

import dgram from "node:dgram";
import { setTimeout as delay } from "node:timers/promises";

const FRAME_MS = 20;
const SAMPLES = 160;

/** 1 kHz in µ-law: eight samples repeat, loud from the first on (ITU-T G.711, table of the digital milliwatt). */
const MILLIWATT = [0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e];
const TONE = Buffer.from(Array.from({ length: SAMPLES }, (_, n) => MILLIWATT[n % MILLIWATT.length]));

async function bound() {
  const socket = dgram.createSocket("udp4");
  await new Promise((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return socket;
}

export class AnsweringPhone {
  #sip;
  #rtp;
  #ring;
  #timer;
  #answers = [];

  /** `ring`: milliseconds between the 180 and the 200. */
  static async start({ ring = 500 } = {}) {
    const phone = new AnsweringPhone();
    phone.#ring = ring;
    phone.#sip = await bound();
    phone.#rtp = await bound();
    phone.#sip.on("message", (data, from) => phone.#handle(String(data), from));
    return phone;
  }

  get address() {
    return `127.0.0.1:${this.#sip.address().port}`;
  }

  /** When it answered the last call, in milliseconds since 1970 and their fractions. */
  get answeredAt() {
    return this.#answers.at(-1);
  }

  stop() {
    clearInterval(this.#timer);
    this.#sip.close();
    this.#rtp.close();
  }

  #handle(message, from) {
    const send = (response) => this.#sip.send(response, from.port, from.address);
    if (message.startsWith("INVITE ")) void this.#answer(message, send);
    else if (message.startsWith("BYE ")) {
      clearInterval(this.#timer);
      send(reply(message, "200 OK"));
    } else if (!message.startsWith("ACK ") && !message.startsWith("SIP/2.0 ")) send(reply(message, "200 OK"));
  }

  async #answer(invite, send) {
    const port = Number(/^m=audio (\d+)/m.exec(invite)[1]);
    const host = /^c=IN IP4 (\S+)/m.exec(invite)[1].trim();
    const contact = `Contact: <sip:phone@${this.address}>`;
    send(reply(invite, "180 Ringing", [contact]));
    await delay(this.#ring);
    this.#answers.push(performance.timeOrigin + performance.now());
    send(reply(invite, "200 OK", [contact, "Content-Type: application/sdp"], this.#description()));
    this.#speak(host, port);
  }

  #speak(host, port) {
    let sequence = 0;
    const packet = () => {
      const header = Buffer.alloc(12);
      header[0] = 0x80;
      header[1] = sequence === 0 ? 0x80 : 0;
      header.writeUInt16BE(sequence & 0xffff, 2);
      header.writeUInt32BE((sequence * SAMPLES) >>> 0, 4);
      header.writeUInt32BE(0x5eed, 8);
      sequence += 1;
      this.#rtp.send(Buffer.concat([header, TONE]), port, host);
    };
    packet();
    clearInterval(this.#timer);
    this.#timer = setInterval(packet, FRAME_MS);
  }

  #description() {
    const { port } = this.#rtp.address();
    return ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", `m=audio ${port} RTP/AVP 0`, "a=rtpmap:0 PCMU/8000", "a=ptime:20", ""].join("\r\n");
  }
}

/** A response to `request`, with more header rows and a description. */
function reply(request, status, more = [], description = "") {
  const rows = request.split("\r\n");
  const to = rows.find((row) => /^to:/i.test(row));
  return [
    `SIP/2.0 ${status}`,
    ...rows.filter((row) => /^(via|from|call-id|cseq|record-route):/i.test(row)),
    to.includes("tag=") ? to : `${to};tag=answering`,
    ...more,
    `Content-Length: ${Buffer.byteLength(description)}`,
    "",
    description,
  ].join("\r\n");
}
