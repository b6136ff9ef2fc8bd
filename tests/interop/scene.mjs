// A browser on one side, a peer on the other, and what stands between them: the scene that the cases play in.

import { Near } from "./near.mjs";

export class Scene {
  #world;
  #near;
  #guests = [];
  #settings;
  #begun = false;
  #opening;

  /**
   * `stack` is what the browser runs; `server` has the url it connects to; `account` is its account, `far` the peer's
   * driver, or what makes it of a way to open further browsers; `relay` is asked after each case whether anything was left.
   */
  constructor(world, settings) {
    this.#world = world;
    this.#settings = { ...settings, far: typeof settings.far === "function" ? settings.far((page) => this.#page(page)) : settings.far };
    this.open = this.open.bind(this);
  }

  get near() {
    return this.#near;
  }

  get far() {
    return this.#settings.far;
  }

  get versions() {
    return { ...this.#settings.versions, Chromium: this.#world.browser.version };
  }

  /** A further browser, which is closed at the end of the case. */
  async open({ password, account, tone, options } = {}) {
    const who = { ...(account ?? this.#settings.account) };
    if (password) who.password = password;
    const guest = await this.#page({ account: who, tone, options });
    this.#guests.push(guest);
    return guest;
  }

  /** Before a case: a registered browser, and nothing of what was. */
  async reset(id) {
    if (!this.#begun) {
      this.#begun = true;
      this.#opening = await this.far.begin?.((page) => this.#page(page)).then(() => undefined, (error) => error);
    }
    if (!this.#near) {
      this.#near = await this.#page({ account: this.#settings.account });
      await this.#near.saw("registered");
    }
    await this.#near.reset();
    await this.far.reset?.(this.#near, id);
  }

  /** What kept the peer from beginning its long call, if anything did. */
  get opening() {
    return this.#opening;
  }

  /** After a case. A browser that failed is not trusted with the next one. */
  async clear(error) {
    for (const guest of this.#guests.splice(0)) await guest.close();
    await this.#near?.t("hangUpAll").catch(() => {});
    await this.far.clear?.(error);
    if (error) {
      await this.#near?.close().catch(() => {});
      this.#near = undefined;
    }
    // A peer that failed may have left without a word: its call ends with Timer F, and must not spoil the next case.
    await this.#settings.relay?.isIdle({ ms: error ? 40_000 : 5_000, but: this.far.background ?? 0 });
  }

  async stop() {
    await this.#near?.close().catch(() => {});
    await this.far.close?.().catch(() => {});
    await this.#world.stop();
  }

  #page({ account, tone, options, stack = this.#settings.stack }) {
    const { server, nearOptions } = this.#settings;
    return Near.open(this.#world, stack ?? "sdk", { server: server.url, account, tone, options: { ...nearOptions, ...options } });
  }
}
