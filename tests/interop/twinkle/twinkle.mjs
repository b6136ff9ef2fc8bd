// Twinkle, a SIP phone with a stack of its own, without its window: commands go in, sentences come out. Its sound card is
// soundcard.c.

import { execFileSync } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { freePort, Program, until } from "../../harness/process.mjs";
import { cache, tests } from "../../harness/paths.mjs";

export class Twinkle {
  #program;
  #at = 0;
  #home;

  /** `account` is { uri, password }, `hums` a frequency in Hz, `digitsBy` "rfc2833" or "info", `reliable`: 100rel only. */
  static async start(name, { account, registrar, hums, digitsBy = "rfc2833", reliable = false }) {
    const phone = new Twinkle();
    phone.#home = path.join(cache, "twinkle", `${name}-${process.pid}`);
    const folder = path.join(phone.#home, ".twinkle");
    await rm(phone.#home, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    const [user, domain] = account.uri.slice("sip:".length).split("@");
    await writeFile(path.join(folder, "phone.cfg"), profile({ user, domain, password: account.password, registrar, digitsBy, reliable }));
    await writeFile(path.join(folder, "twinkle.sys"), system({ sip: await freePort(), rtp: await freePort() }));
    phone.#program = new Program(`twinkle-${name}`, "twinkle-console", ["phone.cfg"], {
      env: {
        ...process.env,
        HOME: phone.#home,
        LD_PRELOAD: await soundcard(),
        SOUNDCARD_TONE: String(hums),
        SOUNDCARD_HEARD: phone.heardFile,
      },
    });
    await phone.says(/registration succeeded/);
    return phone;
  }

  static get version() {
    return /Version: \d*:?([\d.]+)/.exec(execFileSync("dpkg", ["-s", "twinkle-console"], { encoding: "utf8" }))?.[1];
  }

  /** What it heard: samples of 16 bits at 8 kHz. */
  get heardFile() {
    return path.join(this.#home, "heard.raw");
  }

  command(text) {
    this.#program.write(`${text}\n`);
  }

  /** The next sentence that matches, after those that were asked for before. */
  async says(pattern, ms = 10_000) {
    return until(
      () => {
        if (this.#program.end) throw new Error(`Twinkle ended; see ${this.#program.logFile}`);
        const match = pattern.exec(this.#program.output.slice(this.#at));
        if (match) this.#at += match.index + match[0].length;
        return match;
      },
      { ms, what: () => `Twinkle says ${pattern}; it said ${JSON.stringify(this.#program.output.slice(this.#at))}` },
    );
  }

  /** Forgets what it said so far. */
  forget() {
    this.#at = this.#program.output.length;
  }

  /** Its log, with the SIP it sent and received. */
  async log() {
    return readFile(path.join(this.#home, ".twinkle/twinkle.log"), "utf8").catch(() => "");
  }

  async stop() {
    if (!this.#program.end) this.command("quit");
    await this.#program.exit(3_000).catch(() => {});
    await this.#program.stop();
  }
}

/** Built once; it is one small file. */
async function soundcard() {
  const built = path.join(cache, "twinkle/soundcard.so");
  await mkdir(path.dirname(built), { recursive: true });
  execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", built, path.join(tests, "interop/twinkle/soundcard.c"), "-lm"]);
  return built;
}

function profile({ user, domain, password, registrar, digitsBy, reliable }) {
  return `user_name=${user}
user_domain=${domain}
user_display=Twinkle
auth_name=${user}
auth_pass=${password}
outbound_proxy=${registrar}
registrar=${registrar}
register_at_startup=yes
registration_time=120
codecs=g711u,g711a
ptime=20
dtmf_transport=${digitsBy}
dtmf_duration=120
dtmf_pause=60
hold_variant=rfc3264
ext_100rel=${reliable ? "required" : "supported"}
allow_refer=yes
ask_user_to_refer=no
timer_noanswer=60
mwi_sollicited=no
zrtp_enabled=no
pres_publish_startup=no
`;
}

function system({ sip, rtp }) {
  return `dev_ringtone=alsa:null
dev_speaker=alsa:null
dev_mic=alsa:null
validate_audio_dev=no
log_max_size=50
log_show_sip=yes
call_waiting=yes
sip_port=${sip}
rtp_port=${rtp}
play_ringtone=no
play_ringback=no
mime_shared_database=
`;
}
