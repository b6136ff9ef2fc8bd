// Runs the load generator (tests/src/bin/load) against our relay or rtpengine, each started for the run and ended after it.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { cache, root } from "../harness/paths.mjs";
import { freePort } from "../harness/process.mjs";
import { Relay } from "../harness/relay.mjs";
import { speech } from "../harness/sound.mjs";
import { Rtpengine } from "./rtpengine.mjs";

const run = promisify(execFile);
const binary = path.join(process.env.CARGO_TARGET_DIR ?? path.join(root, "target"), "release/load");

/** What both servers have as many of as the other: a fair comparison leaves one core for the generator. */
const THREADS = 1;

/** The same sentence at the rates that codecs want. */
export async function prepare() {
  if (!existsSync(binary)) throw new Error(`${binary} is not there; \`make bench\` builds it`);
  for (const rate of [8_000, 16_000, 48_000]) await speech(rate);
}

/** Each server by the name that tables have for it: starts it, gives the generator's flags, the process id and the version. */
export const SERVERS = {
  async switchhook(settings = {}) {
    const phone = `127.0.0.1:${await freePort()}`;
    const relay = await Relay.before(phone, { "log.filter": "warn", "media.workers": THREADS, ...settings });
    return { flags: ["--relay", relay.host, "--phone", phone], pid: relay.pid, stop: () => relay.stop() };
  },
  async rtpengine(settings = []) {
    const server = await Rtpengine.start([`--num-threads=${THREADS}`, ...settings]);
    return { flags: ["--rtpengine", server.ng], pid: server.pid, version: server.version, stop: () => server.stop() };
  },
};

/** What the generator says. */
export async function generator(flags) {
  const { stdout } = await run(binary, flags.map(String), { maxBuffer: 1 << 24 });
  return JSON.parse(stdout);
}

/** What it says of one run. */
export async function load(server, { web = "opus", trunk = "PCMU", calls = 20, seconds = 10, more = [] } = {}) {
  const flags = [...server.flags, "--pid", server.pid, "--speech", cache, "--web", web, "--trunk", trunk];
  return generator([...flags, "--calls", calls, "--seconds", seconds, ...more]);
}

/** The same with a server of its own. */
export async function fresh(name, options) {
  const server = await SERVERS[name](options.settings);
  try {
    return { ...(await load(server, options)), version: server.version };
  } finally {
    await server.stop();
  }
}
