// baresip as the far side of the cases: a phone that is registered with Kamailio, and two more for the third and for
// digits by INFO.

import assert from "node:assert/strict";
import { until } from "../../harness/process.mjs";
import { strongest, tone, writeWav } from "../../harness/sound.mjs";
import { TONE } from "../near.mjs";
import { account } from "../kamailio/kamailio.mjs";
import { Baresip } from "./baresip.mjs";

const RATE = 8_000;
/** It hangs up at the end of its file, so that must be longer than any case. */
const hum = (frequency) => writeWav(`hum-${frequency}.wav`, tone(frequency, 90, { rate: RATE }), RATE);

export class Handset {
  number = account("bob").uri;
  patient = "sip:patient@pbx.test";
  third = account("carol").uri;
  #kamailio;
  #phone;
  #other;
  #third;
  #seen = 0;
  /** The phone of this case. */
  #current;

  static async start(kamailio) {
    const handset = new Handset();
    handset.#kamailio = kamailio;
    handset.#phone = await registered(kamailio, "bob", { plays: await hum(TONE.far), answers: "manual", trace: true });
    return handset;
  }

  async reset() {
    this.#current = this.#phone;
    this.#phone.forget();
    this.#phone.clearHeard();
  }

  async clear() {
    this.#phone.hangUp();
    this.#other?.hangUp();
    this.#third?.hangUp();
  }

  async close() {
    for (const phone of [this.#phone, this.#other, this.#third]) await phone?.stop();
  }

  async rings() {
    await this.#phone.event("CALL_INCOMING");
  }

  async answer() {
    this.#phone.accept();
    await this.#phone.event("CALL_ESTABLISHED");
    this.#seen = this.#phone.log.length;
  }

  async refuse() {
    this.#phone.hangUp();
  }

  async call(near) {
    this.#phone.dial(near.uri);
  }

  async answered() {
    await this.#phone.event("CALL_ESTABLISHED");
    this.#seen = this.#phone.log.length;
  }

  async refused() {
    const { param } = await this.#phone.event("CALL_CLOSED");
    return Number.parseInt(param, 10);
  }

  async ended() {
    await this.#current.event("CALL_CLOSED");
  }

  async hangUp() {
    this.#phone.hangUp();
  }

  async held() {
    await this.#offered(/^a=(sendonly|inactive)/m);
  }

  async resumed() {
    await this.#offered(/^a=sendrecv/m);
  }

  async hold() {
    this.#phone.hold();
  }

  async resume() {
    this.#phone.resume();
  }

  async blind() {
    this.#phone.transfer(this.third);
    await this.#third.event("CALL_ESTABLISHED");
  }

  /** It follows a REFER by itself. */
  async joined() {
    await this.#third.event("CALL_ESTABLISHED", 20_000);
    await this.#phone.event("CALL_ESTABLISHED");
  }

  async heardDigits(count) {
    let digits = "";
    while (digits.length < count) digits += (await this.#phone.event("CALL_DTMF_START", 5_000)).param;
    return digits;
  }

  async digits(digits, method) {
    (method === "rtp" ? this.#phone : this.#other).sendDigits(digits);
  }

  /** The browser calls the phone that sends digits by that method. */
  async talkingBy({ near, far }, method) {
    if (method !== "rtp") {
      this.#other ??= await registered(this.#kamailio, "dave", { plays: await hum(TONE.far), digitsBy: "info" });
      this.#current = this.#other;
    }
    const id = await near.call(method === "rtp" ? this.number : account("dave").uri);
    if (method === "rtp") {
      await far.rings();
      await far.answer();
    }
    await near.answered(id);
    return id;
  }

  async heardMessage() {
    const [, text] = await until(() => /\n(hello[^\r\n\x1b]*)/.exec(this.#phone.log.slice(this.#seen)), { what: "baresip has the message in its log" });
    return text;
  }

  /** What it heard, once the call is over. */
  async heard(frequency) {
    const { samples, rate } = await this.#phone.heard();
    const found = strongest(samples.subarray(Math.floor(samples.length / 2)), rate);
    assert.ok(Math.abs(found.frequency - frequency) <= 4, `baresip heard ${found.frequency} Hz at ${found.level.toFixed(0)} dB`);
  }

  /** An offer with such a line, after the last one that was asked for. */
  async #offered(line) {
    await until(
      () => {
        const log = this.#phone.log.slice(this.#seen);
        const at = log.search(line);
        if (at < 0) return false;
        this.#seen += at + 1;
        return true;
      },
      { what: `baresip is offered ${line}` },
    );
  }

  /** The third is there, and has seen nothing yet. */
  async prepare() {
    this.#third ??= await registered(this.#kamailio, "carol", { plays: await hum(TONE.third) });
    this.#third.forget();
  }
}

async function registered(kamailio, user, options) {
  const phone = await Baresip.start(user, { ...options, account: { ...account(user), registrar: kamailio.address } });
  await phone.line(/200 OK .*1 binding/);
  return phone;
}
