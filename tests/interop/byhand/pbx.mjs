// A PBX written by hand, on UDP: for what no honest one sends. It takes every registration, and knows one call at a time.

import { randomBytes } from "node:crypto";
import dgram from "node:dgram";
import { until, within } from "../../harness/process.mjs";

const random = () => randomBytes(6).toString("hex");

/** The first value of a header. */
export const header = (message, name) => new RegExp(`^${name}: *(.*?)\r$`, "im").exec(message)?.[1];
const uriOf = (address) => /<([^>]*)>/.exec(address)?.[1] ?? address;

/** What a telephone describes. */
export const SDP = [
  "v=0",
  "o=byhand 1 1 IN IP4 127.0.0.1",
  "s=-",
  "c=IN IP4 127.0.0.1",
  "t=0 0",
  "m=audio 9 RTP/AVP 0 101",
  "a=rtpmap:0 PCMU/8000",
  "a=rtpmap:101 telephone-event/8000",
  "a=sendrecv",
  "",
].join("\r\n");

export class PbxByHand {
  #socket = dgram.createSocket("udp4");
  #messages = [];
  #relay;
  /** The Contact that the relay registered last. */
  binding;

  static async start() {
    const pbx = new PbxByHand();
    await new Promise((resolve) => pbx.#socket.bind(0, "127.0.0.1", resolve));
    pbx.#socket.on("message", (bytes, from) => pbx.#read(String(bytes), from));
    return pbx;
  }

  get address() {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  async stop() {
    await new Promise((resolve) => this.#socket.close(resolve));
  }

  /** The next message that nobody took for which `test` is true. */
  next(test, ms = 5_000) {
    return until(
      () => {
        const index = this.#messages.findIndex(test);
        return index >= 0 && this.#messages.splice(index, 1)[0];
      },
      { ms, every: 10, what: () => `such a message came; came: ${this.#messages.map((message) => message.split("\r\n")[0]).join(" | ") || "nothing"}` },
    );
  }

  /** Sends a request out of any dialog, or within `dialog`; gives its final response. */
  async ask(method, { dialog = this.#dialog(), headers = {}, body = "", type = "text/plain" } = {}) {
    const branch = `z9hG4bK${random()}`;
    const rows = {
      Via: `SIP/2.0/UDP ${this.address};branch=${branch};rport`,
      "Max-Forwards": "70",
      From: dialog.local,
      To: dialog.remote,
      "Call-ID": dialog.callId,
      CSeq: `${(dialog.cseq += 1)} ${method}`,
      Contact: `<sip:byhand@${this.address}>`,
      ...(body ? { "Content-Type": type } : {}),
      "Content-Length": Buffer.byteLength(body),
      ...headers,
    };
    const lines = Object.entries(rows).map(([name, value]) => `${name}: ${value}`);
    this.#send([`${method} ${dialog.target} SIP/2.0`, ...lines, "", body].join("\r\n"));
    const answer = await this.next((message) => message.includes(branch) && /^SIP\/2\.0 [2-6]/.test(message));
    return { status: Number(answer.slice(8, 11)), text: answer, dialog, header: (name) => header(answer, name) };
  }

  /** Calls the binding, is answered as soon as `answered()` is done, and acknowledges; gives the dialog. */
  async call(answered) {
    const asked = this.ask("INVITE", { body: SDP, type: "application/sdp" });
    const [response] = await within(Promise.all([asked, answered()]), 10_000, () => "the call is answered");
    if (response.status !== 200) throw new Error(`the call is answered ${response.text}`);
    const { dialog } = response;
    dialog.remote = response.header("To");
    dialog.target = uriOf(response.header("Contact"));
    this.#acknowledge(dialog);
    return dialog;
  }

  /** Answers a request. */
  answer(request, status, { headers = {}, body = "", tag = this.#tag } = {}) {
    const kept = ["Via", "From", "Call-ID", "CSeq"].map((name) => `${name}: ${header(request, name)}`);
    const to = `To: ${header(request, "To")}${/^To:.*;tag=/im.test(request) ? "" : `;tag=${tag}`}`;
    const own = Object.entries({ Contact: `<sip:byhand@${this.address}>`, ...headers }).map(([name, value]) => `${name}: ${value}`);
    const content = body ? ["Content-Type: application/sdp"] : [];
    this.#send([`SIP/2.0 ${status}`, ...kept, to, ...own, ...content, `Content-Length: ${Buffer.byteLength(body)}`, "", body].join("\r\n"));
  }
  #tag = random();

  #dialog() {
    return { target: this.binding, local: `<sip:byhand@pbx.test>;tag=${random()}`, remote: "<sip:alice@pbx.test>", callId: random(), cseq: 0 };
  }

  #acknowledge({ target, local, remote, callId, cseq }) {
    const via = `SIP/2.0/UDP ${this.address};branch=z9hG4bK${random()}`;
    this.#send(
      `ACK ${target} SIP/2.0\r\nVia: ${via}\r\nMax-Forwards: 70\r\nFrom: ${local}\r\nTo: ${remote}\r\nCall-ID: ${callId}\r\nCSeq: ${cseq} ACK\r\nContent-Length: 0\r\n\r\n`,
    );
  }

  #send(text) {
    this.#socket.send(text, this.#relay.port, this.#relay.address);
  }

  #read(message, from) {
    this.#relay = from;
    if (!/^(REGISTER|BYE) /.test(message)) return void this.#messages.push(message);
    const contact = header(message, "Contact");
    if (message.startsWith("REGISTER")) this.binding = uriOf(contact);
    this.answer(message, "200 OK", contact ? { headers: { Contact: `<${uriOf(contact)}>;expires=120` } } : {});
  }
}
