// SIP written by hand over a WebSocket: for what no honest client sends.

import { randomBytes } from "node:crypto";
import WebSocket from "ws";
import { within } from "./process.mjs";

export class RawSip {
  #socket;
  #messages = [];
  #waiting = [];

  static async open(url) {
    const raw = new RawSip();
    raw.#socket = new WebSocket(url, "sip", { perMessageDeflate: false, maxPayload: 4 << 20 });
    raw.closed = new Promise((resolve) => raw.#socket.once("close", (code, reason) => resolve({ code, reason: String(reason) })));
    raw.#socket.on("message", (data) => raw.#read(String(data)));
    await within(
      new Promise((resolve, reject) => {
        raw.#socket.once("open", resolve);
        raw.#socket.once("error", reject);
      }),
      5_000,
      () => `${url} opens`,
    );
    raw.#socket.on("error", () => {});
    return raw;
  }

  get protocol() {
    return this.#socket.protocol;
  }

  get isOpen() {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  send(text) {
    this.#socket.send(text);
  }

  /** The messages that came and that nobody asked for yet. */
  get unread() {
    return this.#messages;
  }

  /** The next message for which `test` is true. */
  next(test, ms = 5_000) {
    const index = this.#messages.findIndex(test);
    if (index >= 0) return Promise.resolve(this.#messages.splice(index, 1)[0]);
    return within(
      new Promise((resolve) => this.#waiting.push({ test, resolve })),
      ms,
      () => `no such message came; came: ${this.#messages.map((message) => message.split("\r\n")[0]).join(" | ") || "nothing"}`,
    );
  }

  /** Sends a request and gives the final response to its Call-ID. */
  async ask(request, ms) {
    this.send(request.text);
    const answer = await this.next((message) => message.includes(request.callId) && /^SIP\/2\.0 [2-6]/.test(message), ms);
    return { status: Number(answer.slice(8, 11)), text: answer, header: (name) => header(answer, name) };
  }

  close() {
    this.#socket.terminate();
    return this.closed;
  }

  #read(message) {
    const index = this.#waiting.findIndex(({ test }) => test(message));
    if (index < 0) this.#messages.push(message);
    else this.#waiting.splice(index, 1)[0].resolve(message);
  }
}

function header(message, name) {
  return new RegExp(`^${name}: *(.*)\r$`, "im").exec(message)?.[1];
}

/** A request with everything it must have; `headers` replaces some (undefined leaves one out), `extra` adds rows. */
export function request(method, { uri = "sip:demo.localhost", headers = {}, extra = [], body = "", type = "application/sdp", transport = "WS" } = {}) {
  const callId = randomBytes(8).toString("hex");
  const host = `${randomBytes(4).toString("hex")}.invalid`;
  const rows = {
    Via: `SIP/2.0/${transport} ${host};${transport === "UDP" ? "rport;" : ""}branch=z9hG4bK${randomBytes(6).toString("hex")}`,
    "Max-Forwards": "70",
    From: `<sip:tester@demo.localhost>;tag=${randomBytes(4).toString("hex")}`,
    To: `<${uri}>`,
    "Call-ID": callId,
    CSeq: `1 ${method}`,
    Contact: `<sip:tester@${host};transport=ws>`,
    ...(body ? { "Content-Type": type } : {}),
    "Content-Length": String(Buffer.byteLength(body)),
    ...headers,
  };
  const lines = Object.entries(rows).filter(([, value]) => value !== undefined).map(([name, value]) => `${name}: ${value}`);
  return { callId, host, text: [`${method} ${uri} SIP/2.0`, ...lines, ...extra, "", body].join("\r\n") };
}

/** An offer as a browser makes it; `without` leaves out the lines that match. */
export function webOffer({ without, media = "audio" } = {}) {
  const lines = [
    "v=0",
    "o=- 4611731400430051336 2 IN IP4 127.0.0.1",
    "s=-",
    "t=0 0",
    "a=group:BUNDLE 0",
    `m=${media} 9 UDP/TLS/RTP/SAVPF 111 110`,
    "c=IN IP4 0.0.0.0",
    "a=rtcp:9 IN IP4 0.0.0.0",
    "a=ice-ufrag:F7gI",
    "a=ice-pwd:x9cml/YzichV2+XlhiMu8g7p",
    "a=fingerprint:sha-256 " + Array.from({ length: 32 }, (_, n) => (n + 16).toString(16).toUpperCase()).join(":"),
    "a=setup:actpass",
    "a=mid:0",
    "a=sendrecv",
    "a=rtcp-mux",
    media === "audio" ? "a=rtpmap:111 opus/48000/2" : "a=rtpmap:111 VP8/90000",
    "a=rtpmap:110 telephone-event/48000",
  ];
  return `${lines.filter((line) => !without?.test(line)).join("\r\n")}\r\n`;
}
