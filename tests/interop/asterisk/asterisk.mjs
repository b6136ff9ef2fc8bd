// A foreign PBX: Asterisk 22 with PJSIP, unpacked by scripts/asterisk.sh and run by its own loader, on loopback ports
// that were free a moment before and in folders of its own.

import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { WebSocket } from "ws";
import { freePort, Program } from "../../harness/process.mjs";
import { cache, logs, tests } from "../../harness/paths.mjs";
import { Ami } from "./ami.mjs";

const home = path.join(cache, "asterisk");
const SECRET = "-secret";

/**
 * The accounts of the PBX. `alice` and `bob` are ordinary phones, `ivy` gets her digits by INFO, `tim` has session
 * timers of 90 s, `prue` wants provisional responses to be acknowledged; each of them once more behind `web` for those
 * who come without our relay.
 */
const ACCOUNTS = ["alice", "bob", "carol", "ivy", "tim", "prue"];
const SPECIAL = {
  ivy: ["dtmf_mode = info"],
  prue: ["100rel = required"],
  tim: ["timers = always", "timers_min_se = 90", "timers_sess_expires = 90"],
};

export function account(user) {
  return { uri: `sip:${user}@asterisk`, password: `${user}${SECRET}` };
}

export class Asterisk {
  #program;
  #run;

  /** `tone` and `thirdTone` are what the people at the desk and at the third phone hum, in Hz. */
  static async start(name = "asterisk", { tone = 850, thirdTone = 1_150 } = {}) {
    const { version, loader, libraries } = await installation();
    const server = new Asterisk();
    server.version = version;
    server.#run = path.join(cache, "asterisk-run", `${name}-${process.pid}`);
    server.log = path.join(logs, `${name}-full.log`);
    await rm(server.#run, { recursive: true, force: true });
    await rm(server.log, { force: true });
    for (const folder of ["etc", "lib/keys", "run", "spool"]) await mkdir(path.join(server.#run, folder), { recursive: true });
    [server.http, server.ami, server.sip] = [await freePort(), await freePort(), await freePort()];
    const rtp = 30_000 + 200 * (process.pid % 100);
    const tree = path.join(home, "tree");
    await fill(path.join(server.#run, "etc"), {
      RUN: server.#run,
      MODULES: path.join(libraries, "asterisk/modules"),
      DATA: path.join(tree, "usr/share/asterisk"),
      LOGS: logs,
      LOG: server.log,
      HTTP: server.http,
      AMI: server.ami,
      SIP: server.sip,
      RTP: rtp,
      RTP_END: rtp + 198,
      TONE: tone,
      THIRD_TONE: thirdTone,
      ACCOUNTS: ACCOUNTS.flatMap((user) => [section(user, "plain"), section(user, "web")]).join("\n"),
    });
    server.#program = new Program(name, loader, [
      ...["--library-path", libraries, path.join(tree, "usr/sbin/asterisk")],
      ...["-f", "-C", path.join(server.#run, "etc/asterisk.conf")],
    ]);
    server.manager = await Ami.connect(server.ami, { while: () => !server.#program.end }).catch(async (error) => {
      const said = (await readFile(server.log, "utf8").catch(() => "")) + server.#program.output;
      await server.stop();
      throw new Error(`${error.message}; see ${server.log}\n${said.split("\n").slice(-15).join("\n")}`);
    });
    return server;
  }

  /** Where phones and relays send SIP over UDP. */
  get address() {
    return `127.0.0.1:${this.sip}`;
  }

  /** Its WebSocket, for those who come without a relay. */
  get url() {
    return `ws://127.0.0.1:${this.http}/ws`;
  }

  /** A file below its spool. */
  spool(...names) {
    return path.join(this.#run, "spool", ...names);
  }

  /** The channels there are. */
  async channels() {
    const { ActionID } = await this.manager.action({ Action: "CoreShowChannels" });
    await this.manager.event({ Event: "CoreShowChannelsComplete", ActionID });
    const found = [];
    for (const event of [...this.manager.events]) {
      if (event.Event !== "CoreShowChannel" || event.ActionID !== ActionID) continue;
      found.push(event);
      this.manager.events.splice(this.manager.events.indexOf(event), 1);
    }
    return found;
  }

  /** A request to its REST interface, on whose behalf a channel can be held. */
  async ari(method, what) {
    const response = await fetch(`http://127.0.0.1:${this.http}/ari/${what}`, { method, headers: { authorization: `Basic ${btoa("tests:tests")}` } });
    if (!response.ok) throw new Error(`ARI ${method} ${what}: ${response.status} ${await response.text()}`);
  }

  /** Stasis takes channels only while somebody listens to it. */
  async listen() {
    if (this.#stasis) return;
    const socket = new WebSocket(`ws://127.0.0.1:${this.http}/ari/events?app=tests&api_key=tests:tests`);
    socket.on("message", (text) => {
      const { type, channel } = JSON.parse(text);
      if (type === "StasisStart") this.#taken.add(channel.id);
    });
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    this.#stasis = socket;
  }
  #stasis;
  #taken = new Set();

  /** Whether this channel has come to it. */
  hasTaken(id) {
    return this.#taken.has(id);
  }

  async stop() {
    this.#stasis?.terminate();
    this.manager?.close();
    await this.#program.stop();
    await rm(this.#run, { recursive: true, force: true });
  }
}

async function installation() {
  const unavailable = await readFile(path.join(home, "unavailable"), "utf8").catch(() => undefined);
  if (unavailable) throw new Error(`Asterisk is not there: ${unavailable.trim()}`);
  const facts = await readFile(path.join(home, "installed"), "utf8").catch(() => {
    throw new Error("Asterisk is not there; scripts/setup.sh test fetches it");
  });
  const [, version, loader, libraries] = facts.trim().split("\n");
  return { version: version.replace(/\+dfsg.*/, ""), loader: path.join(home, loader), libraries: path.join(home, libraries) };
}

async function fill(target, words) {
  const templates = path.join(tests, "interop/asterisk/etc");
  await cp(templates, target, { recursive: true });
  for (const name of await readdir(target)) {
    const text = await readFile(path.join(target, name), "utf8");
    await writeFile(path.join(target, name), text.replace(/@([A-Z_]+)@/g, (whole, word) => String(words[word] ?? whole)));
  }
}

function section(user, kind) {
  const name = kind === "web" ? `web-${user}` : user;
  // A mailbox belongs to the plain and to the web account alike.
  return `
[${name}](${kind})
auth = ${name}
aors = ${name}
${(SPECIAL[user] ?? []).join("\n")}
[${name}](secret)
username = ${name}
password = ${name}${SECRET}
[${name}](place)
mailboxes = alice@default
`;
}
