// The smallest PBX: answers every INVITE, gives back the sound that it hears, and writes down what it is told.
//
// It has a thread of its own (echo-pbx.worker.mjs): while a test analyses a recording, a PBX in the same thread would be
// silent.

import { Worker } from "node:worker_threads";
import { strength } from "./sound.mjs";

const RATE = 8_000;
/** In ms. */
const PACKET = 20;

export class EchoPbx {
  #worker = new Worker(new URL("echo-pbx.worker.mjs", import.meta.url));
  #waiting = new Map();
  #count = 0;

  static async start() {
    const pbx = new EchoPbx();
    pbx.#worker.on("message", ({ id, value }) => {
      pbx.#waiting.get(id)?.(value);
      pbx.#waiting.delete(id);
    });
    pbx.address = await pbx.#ask("address");
    return pbx;
  }

  /** The methods of the requests that came since it last forgot, without ACK, OPTIONS and what came again. */
  requests() {
    return this.#ask("requests");
  }

  /** Each call's sound as it came: `{ ssrc, sequence, timestamp, payload }`, in the order of the calls. */
  heard() {
    return this.#ask("heard");
  }

  forgetRequests() {
    return this.#ask("forgetRequests");
  }

  forgetSound() {
    return this.#ask("forgetSound");
  }

  stop() {
    return this.#worker.terminate();
  }

  #ask(what) {
    return new Promise((resolve) => {
      this.#count += 1;
      this.#waiting.set(this.#count, resolve);
      this.#worker.postMessage({ id: this.#count, what });
    });
  }
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

/** The longest step from packet to packet in ms of the stream's own time: where nothing fills a pause, its timestamps leap. */
export function longestPause(packets) {
  const between = ({ timestamp }, index) => ((timestamp - packets[index].timestamp) >>> 0) / (RATE / 1_000);
  return Math.max(...packets.slice(1).map(between));
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
