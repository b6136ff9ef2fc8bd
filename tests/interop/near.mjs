// The near side of a case: a browser page with a SIP stack in it, our SDK, JsSIP or SIP.js. Each page in page/ offers the
// same commands and journal; this is how the cases reach them.

import { within } from "../harness/process.mjs";
import { decoded, strongest } from "../harness/sound.mjs";
import { loadedPage } from "../harness/world.mjs";

const RATE = 48_000;
/** What each side hums, in Hz. */
export const TONE = { near: 700, far: 850, third: 1_150 };

export class Near {
  #page;
  #calls = 0;

  /** `stack` is sdk, jssip or sipjs. `account` is { uri, password }; what else there is goes to the stack. */
  static async open(world, stack, { server, account, tone = TONE.near, options }) {
    const near = new Near();
    near.#page = await loadedPage(world.browser, world.site, `interop/${stack}.html`);
    near.uri = account.uri;
    await near.t("start", server, account, tone, options);
    return near;
  }

  /** A command of the page. */
  t(name, ...args) {
    return this.#page.t(name, ...args);
  }

  saw(name, id, ms) {
    return this.t("saw", name, id, ms);
  }

  /** What went over its WebSocket, in both directions. */
  get frames() {
    return this.#page.frames;
  }

  /** The last request of that method which went out. */
  lastSent(method) {
    return this.#page.frames.findLast(({ sent, text }) => sent && text.startsWith(`${method} `)).text;
  }

  /** Calls; gives the call's name. */
  async call(target, options) {
    const id = `out${(this.#calls += 1)}`;
    await this.t("call", id, target, options);
    return id;
  }

  /** The next incoming call's name. */
  async incoming(ms) {
    return (await this.saw("incoming", undefined, ms)).id;
  }

  async answered(id, ms = 10_000) {
    await this.saw("active", id, ms);
  }

  ended(id, ms = 10_000) {
    return this.saw("ended", id, ms);
  }

  /** Hears this tone, and little else. */
  async hears(id, frequency) {
    let found;
    // Sound may need a moment to come; a wrong tone stays wrong.
    for (let turn = 0; turn < 3; turn += 1) {
      const samples = decoded(await this.t("record", id, 700));
      found = strongest(samples.subarray(samples.length / 3), RATE);
      if (Math.abs(found.frequency - frequency) <= 4 && found.level > -45) return;
    }
    throw new Error(`the browser hears ${found.frequency} Hz at ${found.level.toFixed(0)} dB instead of ${frequency} Hz`);
  }

  /** Hears nothing to speak of. */
  async hearsNot(id, frequency) {
    let found;
    for (let turn = 0; turn < 3; turn += 1) {
      const samples = decoded(await this.t("record", id, 500));
      found = strongest(samples.subarray(samples.length / 3), RATE);
      if (found.level < -50 || Math.abs(found.frequency - frequency) > 20) return;
    }
    throw new Error(`the browser still hears ${found.frequency} Hz at ${found.level.toFixed(0)} dB`);
  }

  /** Nothing of an earlier case is left. */
  async reset() {
    await this.t("hangUpAll");
    await this.t("forget");
  }

  async close() {
    // A stack that cannot say goodbye is not waited for.
    await within(this.t("close"), 3_000, () => "the page's phone closes").catch(() => {});
    await this.#page.close();
  }
}
