// The usual scene: a relay with its demo exchange, the bare test page, Chromium with a tone in its microphone.

import { startChromium } from "./browser.mjs";
import { Stack } from "./process.mjs";
import { Relay } from "./relay.mjs";
import { startSite } from "./site.mjs";
import { tone, writeWav } from "./sound.mjs";

/** What the microphone says unless a test wants something else. */
export const MICROPHONE = { frequency: 700, level: -12 };
export const DOMAIN = "demo.localhost";
export const ALICE = { uri: `sip:alice@${DOMAIN}`, password: "alice-secret" };
export const BOB = { uri: `sip:bob@${DOMAIN}`, password: "bob-secret" };

export function microphoneFile({ frequency, level } = MICROPHONE) {
  return writeWav(`tone-${frequency}${level}.wav`, tone(frequency, 2, { level }));
}

export class World {
  #stack = new Stack();
  #pages = new Set();

  static async start({ relay = true, settings, microphone } = {}) {
    const world = new World();
    world.site = world.add(await startSite());
    if (relay) world.relay = world.add(await Relay.demo(settings));
    world.browser = world.add(await startChromium({ microphone: microphone ?? (await microphoneFile()) }));
    return world;
  }

  /** What `build` makes of a world; where it fails, nothing of the world is left running. */
  static async with(options, build) {
    const world = await World.start(options);
    try {
      return await build(world);
    } catch (error) {
      await world.stop();
      throw error;
    }
  }

  add(thing) {
    return this.#stack.add(thing);
  }

  /** A page that has loaded the package. */
  async page(browser = this.browser) {
    return this.watch(await loadedPage(browser, this.site));
  }

  /** A page that clear() is to close. */
  watch(page) {
    this.#pages.add(page);
    return page;
  }

  /** After a test: no call, and no page but these. What a failed test left must not spoil the next one. */
  async clear(...kept) {
    const leave = (page) => (kept.includes(page) ? page.t("hangUpAll") : page.close());
    await Promise.allSettled([...this.#pages].map(leave));
    this.#pages = new Set(kept);
    await this.relay?.isIdle({ ms: 40_000 });
  }

  /** A page with a registered user agent named "ua". */
  async registered(account, { relay = this.relay, browser = this.browser, ...options } = {}) {
    const page = await this.page(browser);
    await page.t("agent", "ua", { server: relay.url, account, ...options });
    await page.t("registration", "ua", "registered");
    return page;
  }

  async stop() {
    await this.#stack.stop();
  }
}

/** Opens a test page; `page.t(name, ...)` calls `window.t[name](...)` there. */
export async function loadedPage(browser, site, name = "index.html") {
  const page = await browser.page(`${site.url}/${name}`);
  page.t = async (name, ...args) => {
    try {
      return await page.evaluate(([wanted, given]) => window.t[wanted](...given), [name, args]);
    } catch (error) {
      throw new Error(`${name}(${args.map((arg) => JSON.stringify(arg)).join(", ")}): ${error.message}\n${page.said.join("\n")}\n${lastFrames(page)}`, { cause: error });
    }
  };
  page.loaded = () => page.evaluate(
    () => new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error("the page did not load the package")), 20_000);
      const look = () => {
        if (!window.t?.loaded) return setTimeout(look, 10);
        clearTimeout(late);
        resolve();
      };
      look();
    }),
  ).catch((error) => {
    throw new Error(`${error.message}\n${page.said.join("\n")}`);
  });
  page.reload = async () => {
    await page.raw.reload();
    await page.loaded();
  };
  await page.loaded();
  return page;
}

/** What the page and its server said to each other at last, a line for each SIP message. */
function lastFrames({ frames = [] }) {
  const line = ({ sent, text, at }) => `${new Date(at).toISOString().slice(11, 23)} ${sent ? ">" : "<"} ${text.split("\r\n", 1)[0]}, ${/^CSeq: *(.*)$/im.exec(text)?.[1] ?? ""}`;
  return frames.slice(-16).map(line).join("\n");
}
