// Starts switchhook-relay on free loopback ports: with its demo exchange, or in front of a foreign PBX.

import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { freePort, Program, until } from "./process.mjs";
import { cache, relayBinary } from "./paths.mjs";

let count = 0;

export class Relay {
  #program;

  /** With the demo exchange. `exchange` is its SIP address. */
  static async demo(settings = {}) {
    const port = await freePort();
    const relay = await Relay.#start("demo", ["demo"], { "demo.listen": `127.0.0.1:${port}`, ...settings });
    relay.exchange = `127.0.0.1:${port}`;
    return relay;
  }

  /** In front of the PBX at `nextHop`, for every domain. */
  static async before(nextHop, settings = {}) {
    return Relay.#start("pbx", [], { "sip.domains": `* = ${nextHop}`, ...settings });
  }

  /** In front of the PBX at `nextHop` with settings of its own: rows of a [[trunk]], which no flag can give. */
  static async trunk(nextHop, rows) {
    const file = path.join(cache, `trunk-${process.pid}-${count + 1}.toml`);
    await writeFile(file, `[[trunk]]\nname = "pbx"\ndomains = ["*"]\nhosts = ["${nextHop}"]\nprobe = "0s"\n${rows}\n`);
    return Relay.#start("trunk", ["--config", file], {});
  }

  static async #start(kind, command, settings) {
    if (!existsSync(relayBinary)) throw new Error(`${relayBinary} is not there; \`make relay\` builds it`);
    const relay = new Relay();
    relay.host = settings["web.listen"] ?? `127.0.0.1:${await freePort()}`;
    relay.sip = `127.0.0.1:${await freePort()}`;
    const all = {
      "web.listen": relay.host,
      // The test page has its own port, and programs send no Origin.
      "web.origins": "*",
      "sip.listen": relay.sip,
      "media.web_listen": "127.0.0.1:0",
      "media.trunk_listen": "127.0.0.1",
      "log.filter": process.env.RELAY_LOG ?? "debug",
      ...settings,
    };
    count += 1;
    const flags = Object.entries(all).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
    relay.#program = new Program(`relay-${kind}-${count}-${process.pid}`, relayBinary, [...command, ...flags]);
    const what = () => `the relay answers; see ${relay.#program.logFile}\n${relay.log.slice(-2_000)}`;
    try {
      await until(() => relay.#answers(), { ms: 15_000, what });
    } catch (error) {
      await relay.stop();
      throw error;
    }
    return relay;
  }

  get url() {
    return `ws://${this.host}/sip`;
  }

  get http() {
    return `http://${this.host}`;
  }

  get log() {
    return this.#program.output;
  }

  get pid() {
    return this.#program.pid;
  }

  get isRunning() {
    return !this.#program.end;
  }

  line(pattern, ms) {
    return this.#program.line(pattern, ms);
  }

  async health() {
    return (await fetch(`${this.http}/healthz`)).json();
  }

  /** No call is left, on either leg, but for so many that are known. */
  async isIdle({ ms = 5_000, but = 0 } = {}) {
    await until(async () => (await this.health()).calls === but, { ms, what: `the relay has ${but || "no"} call left` });
  }

  stop() {
    return this.#program.stop();
  }

  async #answers() {
    if (this.#program.end) throw new Error(`the relay ended at its start; see ${this.#program.logFile}\n${this.log.slice(-2_000)}`);
    return fetch(`${this.http}/healthz`).then((response) => response.ok, () => false);
  }
}
