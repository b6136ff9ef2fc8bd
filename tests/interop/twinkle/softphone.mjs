// Twinkle as the far side of the cases: registered with Kamailio. The third is baresip, which answers by itself.

import assert from "node:assert/strict";
import { open } from "node:fs/promises";
import { until } from "../../harness/process.mjs";
import { fromPcm16, strongest, tone, writeWav } from "../../harness/sound.mjs";
import { Baresip } from "../baresip/baresip.mjs";
import { account } from "../kamailio/kamailio.mjs";
import { TONE } from "../near.mjs";
import { Twinkle } from "./twinkle.mjs";

const RATE = 8_000;

export class Softphone {
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
    const softphone = new Softphone();
    softphone.#kamailio = kamailio;
    softphone.#phone = await softphone.#twinkle("bob", "rfc2833");
    return softphone;
  }

  async reset() {
    this.#current = this.#phone;
    this.#phone.forget();
    this.#seen = (await this.#phone.log()).length;
  }

  /** `bye` ends a call, `reject` one that rings; the other of them is a complaint on the screen. */
  async clear(error) {
    if (error) {
      // A transfer that got stuck outlasts its calls.
      await this.#phone.stop();
      this.#phone = await this.#twinkle("bob", "rfc2833");
      this.#third?.hangUp();
      return;
    }
    for (const phone of [this.#phone, this.#other, this.#reliable]) {
      for (const line of [2, 1]) for (const command of [`line ${line}`, "bye", "reject"]) phone?.command(command);
      // It takes commands one by one: when this is answered, those before were carried out.
      phone?.command("help quit");
      await phone?.says(/Usage:\s+quit/);
    }
    this.#third?.hangUp();
  }

  async close() {
    for (const phone of [this.#phone, this.#other, this.#reliable, this.#third]) await phone?.stop();
  }

  async rings() {
    await this.#phone.says(/incoming call/i);
  }

  async answer() {
    this.#phone.command("answer");
    await this.#phone.says(/call established/);
  }

  async refuse() {
    this.#phone.command("reject");
  }

  async call(near) {
    this.#phone.command(`call ${near.uri}`);
  }

  async answered() {
    await this.#phone.says(/far end answered call/);
  }

  async refused() {
    const [, status] = await this.#phone.says(/call failed\.\s+(\d{3})/);
    return Number(status);
  }

  async ended() {
    await this.#current.says(/call ended|far end (ended|cancelled) call/i);
  }

  async hangUp() {
    this.#phone.command("bye");
  }

  async held() {
    await this.#agreed((answer) => /^a=(recvonly|inactive)/m.test(answer));
  }

  async resumed() {
    await this.#agreed((answer) => !/^a=(recvonly|sendonly|inactive)/m.test(answer));
  }

  async hold() {
    this.#phone.command("hold");
  }

  async resume() {
    this.#phone.command("retrieve");
  }

  async blind() {
    this.#phone.command(`transfer ${this.third}`);
    await this.#third.event("CALL_ESTABLISHED");
  }

  /** It follows a REFER by itself. */
  async joined() {
    await this.#third.event("CALL_ESTABLISHED", 20_000);
    await this.#phone.says(/far end answered call/);
  }

  async heardDigits(count) {
    let digits = "";
    while (digits.length < count) digits += (await this.#phone.says(/DTMF[^\n]*?([\d*#A-D])\s*\n/, 5_000))[1];
    return digits;
  }

  async digits(digits, method) {
    (method === "rtp" ? this.#phone : this.#other).command(`dtmf ${digits}`);
  }

  /** The browser is called by the phone that sends digits by that method. */
  async talkingBy({ near }, method) {
    if (method === "rtp") {
      await this.call(near);
    } else {
      this.#other ??= await this.#twinkle("dave", "info");
      this.#current = this.#other;
      this.#other.command(`call ${near.uri}`);
    }
    const id = await near.incoming();
    await near.t("answer", id);
    await near.answered(id);
    return id;
  }

  /** Called, with a phone that wants its ringing acknowledged. */
  async reliably({ near }) {
    this.#reliable ??= await this.#twinkle("erin", "rfc2833", { reliable: true });
    this.#current = this.#reliable;
    const id = await near.call(account("erin").uri);
    await this.#reliable.says(/incoming call/i);
    await near.saw("ringing", id);
    this.#reliable.command("answer");
    await near.answered(id);
    await near.hears(id, TONE.far);
    await near.t("hangUp", id);
    await near.ended(id);
    assert.match(await this.#reliable.log(), /^PRACK sip:/m);
  }
  #reliable;

  async heardMessage() {
    const [, text] = await this.#phone.says(/(hello[^\n"]*)/);
    return text;
  }

  async message(near, text) {
    this.#phone.command(`message ${near.uri} "${text}"`);
  }

  /** Hears this in the last half second. */
  async hears(frequency) {
    const found = await until(
      async () => {
        const samples = await lastSamples(this.#phone.heardFile, RATE / 2);
        const loudest = samples.length > 0 && strongest(samples, RATE);
        return loudest && Math.abs(loudest.frequency - frequency) <= 4 && loudest;
      },
      { ms: 5_000, what: `Twinkle hears ${frequency} Hz` },
    );
    assert.ok(found.level > -45, `at ${found.level} dB`);
  }

  /** An answer of its own in its log, which cuts our long offers off; after the last one that was asked for. */
  async #agreed(isIt) {
    await until(
      async () => {
        const log = (await this.#phone.log()).slice(this.#seen);
        const answers = [...log.matchAll(/^SIP\/2\.0 200 OK\s(.*?)^---$/gms)].filter(([, text]) => /^CSeq: \d+ INVITE/m.test(text) && /^m=audio/m.test(text));
        const found = answers.find(([, text]) => isIt(text));
        if (found) this.#seen += found.index + found[0].length;
        return found;
      },
      { what: `Twinkle answers ${isIt}` },
    );
  }

  #twinkle(user, digitsBy, more = {}) {
    return Twinkle.start(user, { account: account(user), registrar: this.#kamailio.address, hums: TONE.far, digitsBy, ...more });
  }

  /** The third is there, and has seen nothing yet. */
  async prepare() {
    if (!this.#third) {
      const plays = await writeWav(`hum-${TONE.third}.wav`, tone(TONE.third, 90, { rate: RATE }), RATE);
      this.#third = await Baresip.start("carol", { plays, account: { ...account("carol"), registrar: this.#kamailio.address } });
      await this.#third.line(/200 OK .*1 binding/);
    }
    this.#third.forget();
  }
}

async function lastSamples(name, count) {
  const file = await open(name).catch(() => undefined);
  if (!file) return new Float32Array();
  try {
    const { size } = await file.stat();
    const length = Math.min(count * 2, size - (size % 2));
    const bytes = Buffer.alloc(length);
    await file.read(bytes, 0, length, size - (size % 2) - length);
    return fromPcm16(bytes);
  } finally {
    await file.close();
  }
}
