// A foreign SIP phone with sound: baresip, with a file for a microphone and its own recording of what it hears.
//
// It is told what to do over its control port (netstrings with JSON). Two habits to know: it hangs up when the file it
// plays is over, so the file must outlast the call; and beside its SIP port it takes the TCP port after it.

import { spawnSync } from "node:child_process";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import path from "node:path";
import { freePort, Program, until, within } from "../../harness/process.mjs";
import { cache } from "../../harness/paths.mjs";
import { readWav } from "../../harness/sound.mjs";

export class Baresip {
  #program;
  #control;
  #events = [];
  #rest = Buffer.alloc(0);

  /**
   * Starts one. `plays` is a WAV file at `rate`; `account` adds an address to register: { uri, password,
   * registrar }. `answers` is "auto" or "manual", `digitsBy` "rtpevent" or "info", `encrypts` "srtp" or "srtp-mand"; `trace` puts SIP into its log.
   */
  static async start(
    name,
    { plays, answers = "auto", account, codecs = "PCMU/8000/1,PCMA/8000/1", rate = 8_000, digitsBy = "rtpevent", encrypts, trace = false },
  ) {
    const phone = new Baresip();
    phone.folder = path.join(cache, "baresip", name);
    phone.port = await pairOfPorts();
    const controlPort = await freePort();
    await rm(phone.folder, { recursive: true, force: true });
    await mkdir(path.join(phone.folder, "heard"), { recursive: true });
    await writeFile(path.join(phone.folder, "config"), configuration(phone, controlPort, { plays, rate }));
    await writeFile(path.join(phone.folder, "accounts"), `${address(phone, account, answers)};audio_codecs=${codecs};dtmfmode=${digitsBy}${encrypts ? `;mediaenc=${encrypts}` : ""}\n`);
    phone.#program = new Program(`baresip-${name}`, "baresip", ["-f", phone.folder, "-v", ...(trace ? ["-s"] : [])]);
    await phone.#program.line(/baresip is ready/);
    await phone.#connect(controlPort);
    return phone;
  }

  get uri() {
    return `sip:phone@127.0.0.1:${this.port}`;
  }

  static get version() {
    return /baresip v(\S+)/.exec(spawnSync("baresip", ["-h"], { encoding: "utf8" }).stdout)?.[1];
  }

  get log() {
    return this.#program.output;
  }

  /** The output, for waiting on what only the log says. */
  line(pattern, ms) {
    return this.#program.line(pattern, ms);
  }

  dial(target) {
    this.#command("dial", target);
  }

  accept() {
    this.#command("accept");
  }

  hangUp() {
    this.#command("hangup");
  }

  hold() {
    this.#command("hold");
  }

  resume() {
    this.#command("resume");
  }

  /** A REFER within the call. */
  transfer(target) {
    this.#command("transfer", target);
  }

  sendDigits(digits) {
    this.#command("sndcode", digits);
  }

  /** Forgets the events so far. */
  forget() {
    this.#events = [];
  }

  /** The next event of that type, in the order they came: CALL_INCOMING, CALL_ESTABLISHED, CALL_CLOSED … */
  async event(type, ms = 15_000) {
    return until(
      () => {
        const index = this.#events.findIndex((event) => event.type === type);
        return index >= 0 && this.#events.splice(index, 1)[0];
      },
      { ms, what: () => `baresip says ${type} (it said: ${this.#events.map((event) => event.type)})` },
    );
  }

  /** Forgets what it heard so far. */
  clearHeard() {
    this.#forgotten = new Date().toISOString().slice(0, 19).replace(/[T:]/g, "-");
  }
  #forgotten = "";

  /** What it heard in its last call, decoded. */
  async heard() {
    const folder = path.join(this.folder, "heard");
    const files = await until(async () => {
      const found = (await readdir(folder)).filter((name) => name.endsWith("-dec.wav") && name.slice(5) >= this.#forgotten).sort();
      return found.length > 0 && found;
    }, { what: "baresip writes what it heard" });
    return readWav(path.join(folder, files.at(-1)));
  }

  async stop() {
    this.#control?.destroy();
    await this.#program.stop();
  }

  async #connect(port) {
    this.#control = net.connect(port, "127.0.0.1");
    this.#control.on("data", (data) => this.#read(data));
    this.#control.on("error", () => {});
    await within(new Promise((resolve) => this.#control.once("connect", resolve)), 5_000, () => "baresip's control port");
  }

  #command(command, params) {
    const text = JSON.stringify({ command, params });
    this.#control.write(`${Buffer.byteLength(text)}:${text},`);
  }

  #read(data) {
    this.#rest = Buffer.concat([this.#rest, data]);
    for (;;) {
      const colon = this.#rest.indexOf(":");
      const length = Number(this.#rest.toString("latin1", 0, colon));
      if (colon < 0 || this.#rest.length < colon + length + 2) return;
      const message = JSON.parse(this.#rest.toString("utf8", colon + 1, colon + 1 + length));
      this.#rest = this.#rest.subarray(colon + length + 2);
      if (message.event) this.#events.push(message);
    }
  }
}

function configuration(phone, controlPort, { plays, rate }) {
  return `module_path ${process.env.BARESIP_MODULES ?? "/usr/lib/baresip/modules"}
module g711.so
module g722.so
module opus.so
module srtp.so
module aufile.so
module aubridge.so
module sndfile.so
module uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:${controlPort}
sip_listen 127.0.0.1:${phone.port}
net_interface 127.0.0.1
rtp_ports 21000-21999
# The bridge leads nowhere: it only gives the decoder a clock.
audio_source aufile,${plays}
audio_player aubridge,nowhere
audio_alert aubridge,nowhere
snd_path ${path.join(phone.folder, "heard")}
audio_channels 1-1
ausrc_srate ${rate}
auplay_srate ${rate}
audio_buffer 40-200
statmode_default off
`;
}

function address(phone, account, answers) {
  const common = `answermode=${answers};ptime=20`;
  if (!account) return `<${phone.uri}>;regint=0;${common}`;
  const { uri, password, registrar } = account;
  return `<${uri}>;auth_pass=${password};outbound="sip:${registrar}";regint=60;${common}`;
}

async function pairOfPorts() {
  for (;;) {
    const port = await freePort();
    if (port < 65_535 && (await isFree(port + 1))) return port;
  }
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
