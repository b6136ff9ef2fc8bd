// SIPp: a foreign peer that does exactly what a scenario says, and judges whether the other side did.

import { spawnSync } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { freePort, isBound, Program, until } from "../../harness/process.mjs";
import { cache, logs, tests } from "../../harness/paths.mjs";

let count = 0;

export class Sipp {
  #program;
  #errors;

  /**
   * Starts a scenario of tests/sipp/ for one call, as a UAS that waits, or as a UAC that calls `target` (host:port).
   * `keys` fill the scenario's own keywords, `status` its STATUS. `file` is a scenario from elsewhere.
   */
  static async start(scenario, { target, service, keys = {}, status, user, password, echo = false, seconds = 40, file, port } = {}) {
    const sipp = new Sipp();
    sipp.port = port ?? (await freePort());
    count += 1;
    const name = `sipp-${scenario}-${count}`;
    const errors = path.join(logs, `${name}.errors`);
    await rm(errors, { force: true });
    const args = [
      ...["-sf", file ?? (await written(scenario, status))],
      ...["-i", "127.0.0.1", "-p", String(sipp.port), "-mi", "127.0.0.1", "-mp", String(await freePort())],
      ...["-m", "1", "-nostdin", "-timeout", `${seconds}s`, "-timeout_error", "-trace_err", "-error_file", errors],
      ...(echo ? ["-rtp_echo"] : []),
      ...(service ? ["-s", service] : []),
      ...(user ? ["-au", user, "-ap", password, "-key", "user", user] : []),
      ...Object.entries(keys).flatMap(([key, value]) => ["-key", key, String(value)]),
      ...(target ? [target] : []),
    ];
    sipp.#errors = errors;
    sipp.#program = new Program(name, "sipp", args);
    // It says nothing before it ends; its port tells when it is there.
    await until(() => sipp.#program.end || isBound(sipp.port), { what: "SIPp has its port" });
    return sipp;
  }

  static get version() {
    return /SIPp v([\d.]+)/.exec(spawnSync("sipp", ["-v"], { encoding: "utf8" }).stdout)?.[1];
  }

  get address() {
    return `127.0.0.1:${this.port}`;
  }

  /** Waits for its end; an error unless its one call went as the scenario says. */
  async verdict(ms = 40_000) {
    const { code } = await this.#program.exit(ms);
    if (code !== 0) throw new Error(`SIPp is not content (code ${code}): ${await readFile(this.#errors, "utf8").catch(() => this.#program.output)}`);
  }

  stop() {
    return this.#program.stop();
  }
}

/** The scenario's file; one with a STATUS in it is written out first. */
async function written(scenario, status) {
  const file = path.join(tests, "sipp", `${scenario}.xml`);
  if (!status) return file;
  const filled = path.join(cache, `${scenario}-${status.slice(0, 3)}.xml`);
  await mkdir(cache, { recursive: true });
  await writeFile(filled, (await readFile(file, "utf8")).replace("SIP/2.0 STATUS", `SIP/2.0 ${status}`));
  return filled;
}
