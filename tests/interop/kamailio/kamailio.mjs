// A foreign SIP server: Debian's Kamailio with WebSocket, as registrar and proxy, on loopback.

import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { freePort, Program, until } from "../../harness/process.mjs";
import { cache, tests } from "../../harness/paths.mjs";

/** One of the accounts that kamailio.cfg knows: alice, bob, carol, dave and erin. */
export function account(user) {
  return { uri: `sip:${user}@pbx.test`, password: `${user}-secret` };
}

/** A phone on this UDP port, which need not be registered. */
export function phoneAt(port) {
  return `sip:phone-${port}@pbx.test`;
}

/** Two of them at once. */
export function phonesAt(port, other) {
  return `sip:phones-${port}-${other}@pbx.test`;
}

let count = 0;

export class Kamailio {
  #program;

  static async start() {
    const server = new Kamailio();
    count += 1;
    const name = `kamailio-${process.pid}-${count}`;
    const run = path.join(cache, "kamailio", name);
    await rm(run, { recursive: true, force: true });
    await mkdir(run, { recursive: true });
    server.port = await freePort();
    server.udp = await freePort();
    const template = await readFile(path.join(tests, "interop/kamailio/kamailio.cfg"), "utf8");
    const file = path.join(run, "kamailio.cfg");
    await writeFile(
      file,
      template
        .replace("@WS@", String(server.port))
        .replaceAll("@UDP@", String(server.udp))
        .replace("@MODULES@", await modules()),
    );
    // -DD keeps the main process in the foreground; -Y is for its sockets and pid, so that nothing is left in /run.
    server.#program = new Program(name, binary(), ["-f", file, "-DD", "-E", "-m", "32", "-M", "8", "-Y", run, "-P", path.join(run, "pid")]);
    await until(() => answers(server.port, server.#program), { ms: 20_000, what: () => `Kamailio answers; see ${server.#program.logFile}` });
    return server;
  }

  /** Where phones and relays send SIP over UDP. */
  get address() {
    return `127.0.0.1:${this.udp}`;
  }

  get url() {
    return `ws://127.0.0.1:${this.port}`;
  }

  get version() {
    return /kamailio (\S+)/.exec(execFileSync(binary(), ["-v"], { encoding: "utf8" }))[1];
  }

  get log() {
    return this.#program.output;
  }

  stop() {
    return this.#program.stop();
  }
}

function binary() {
  return process.env.KAMAILIO ?? "/usr/sbin/kamailio";
}

/** Debian keeps modules under the machine's architecture. */
async function modules() {
  for (const folder of await readdir("/usr/lib")) {
    const candidate = `/usr/lib/${folder}/kamailio/modules`;
    if ((await readdir(candidate).catch(() => [])).includes("websocket.so")) return `${candidate}/`;
  }
  throw new Error("Kamailio's modules were not found; scripts/setup.sh test installs them");
}

async function answers(port, program) {
  if (program.end) throw new Error(`Kamailio ended; see ${program.logFile}\n${program.output.split("\n").slice(-15).join("\n")}`);
  // Anything but a WebSocket is answered 404, which is an answer.
  return fetch(`http://127.0.0.1:${port}/`).then(() => true, () => false);
}
