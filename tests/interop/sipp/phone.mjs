// SIPp as the far side of the cases: before each case it gets that case's scenario (scenarios.mjs), and its verdict is
// asked for afterwards. It echoes what it hears.

import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { cache } from "../../harness/paths.mjs";
import { freePort } from "../../harness/process.mjs";
import { tone, writeWav } from "../../harness/sound.mjs";
import { Baresip } from "../baresip/baresip.mjs";
import { account, Kamailio, phoneAt } from "../kamailio/kamailio.mjs";
import { TONE } from "../near.mjs";
import { scenarios, xml } from "./scenarios.mjs";
import { Sipp } from "./sipp.mjs";

const CALLS = new Set(["call-in", "busy-here", "cancel-far", "message-in", "delayed-in"]);

export class Scripted {
  third = "sip:third@pbx.test";
  tone = TONE.near;
  #port;
  #kamailio;
  #case;
  #sipp;
  #third;

  static async start() {
    const phone = new Scripted();
    phone.#kamailio = await Kamailio.start();
    return phone;
  }

  get number() {
    return phoneAt(this.#port);
  }

  get patient() {
    return this.number;
  }

  get mailbox() {
    return this.number;
  }

  get kamailio() {
    return this.#kamailio;
  }

  async reset(_near, id) {
    this.#case = id;
    this.#sipp = undefined;
    // What is still under way for the last case's phone must not reach this one's.
    this.#port = await freePort();
    if (scenarios[id] && !CALLS.has(id)) await this.#play();
  }

  async clear(error) {
    // A case that went well ends when the scenario has.
    if (!error) await this.#sipp?.verdict(10_000);
    await this.#sipp?.stop();
    this.#third?.hangUp();
  }

  async close() {
    await this.#third?.stop();
    await this.#kamailio.stop();
  }

  async #play() {
    const file = path.join(cache, "sipp", `${this.#case}.xml`);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, xml(this.#case));
    this.#sipp = await Sipp.start(this.#case, {
      file,
      port: this.#port,
      echo: true,
      seconds: 30,
      ...(CALLS.has(this.#case) ? { target: this.#kamailio.address, user: "bob", password: account("bob").password } : {}),
    });
  }

  // It does what its scenario says; there is nothing to tell it, and what it saw is its verdict.
  async rings() {}
  async answer() {}
  async refuse() {}
  async answered() {}
  async ended() {}
  async hangUp() {}
  async held() {}
  async resumed() {}
  async hold() {}
  async resume() {}
  async voicemail() {}
  async appears() {}
  async shows() {}
  async digits() {}

  async call() {
    await this.#play();
  }

  async callWithoutOffer() {
    await this.#play();
  }

  async message() {
    await this.#play();
  }

  async refused() {
    await this.#sipp.verdict(10_000);
    return 486;
  }

  async joined() {}

  async blind() {
    const plays = await writeWav(`hum-${TONE.third}.wav`, tone(TONE.third, 90, { rate: 8_000 }), 8_000);
    this.#third ??= await Baresip.start("carol-sipp", { plays, account: { ...account("carol"), registrar: this.#kamailio.address } });
    await this.#third.line(/200 OK .*1 binding/);
  }

  /** The scenario knows the digits, one by one. */
  async heardDigits() {
    return "147*0#";
  }

  async heardMessage() {
    await this.#sipp.verdict(10_000);
    return "hello far side";
  }

  async refreshed(scene) {
    await this.#plays(scene);
  }

  async reliably(scene) {
    await this.#plays(scene);
  }

  /** A call that the scenario has its part in. */
  async #plays({ near }) {
    const id = await near.call(this.number);
    await near.answered(id);
    await near.hears(id, this.tone);
    await near.hears(id, this.tone);
    await near.t("hangUp", id);
    await near.ended(id);
  }
}
