// rtpengine from Debian sid, unpacked by scripts/rtpengine.sh and run by its own loader: in user space, as its package does
// without the kernel module, on loopback.

import dgram from "node:dgram";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { cache } from "../harness/paths.mjs";
import { freePort, Program, until } from "../harness/process.mjs";

const home = path.join(cache, "rtpengine");

export class Rtpengine {
  #program;

  /** `settings` are further flags. */
  static async start(settings = []) {
    if (!existsSync(path.join(home, "installed"))) {
      const why = await readFile(path.join(home, "unavailable"), "utf8").catch(() => "scripts/rtpengine.sh has not run");
      throw new Error(`rtpengine is not there: ${why}`);
    }
    const [, version, loader, libraries] = (await readFile(path.join(home, "installed"), "utf8")).split("\n");
    const server = new Rtpengine();
    server.version = /[\d.]+/.exec(version)[0];
    server.ng = `127.0.0.1:${await freePort()}`;
    server.#program = new Program(`rtpengine-${process.pid}`, path.join(home, loader), [
      ...["--library-path", path.join(home, libraries), path.join(home, "tree/usr/bin/rtpengine")],
      ...["--config-file=none", "--table=-1", "--interface=127.0.0.1", `--listen-ng=${server.ng}`],
      ...["--port-min=30000", "--port-max=39999", "--foreground", "--log-stderr", "--log-level=4", ...settings],
    ]);
    await until(() => server.#answers(), { ms: 15_000, every: 100, what: "rtpengine answers a ping" });
    return server;
  }

  #answers() {
    if (this.#program.end) throw new Error(`rtpengine ended at its start: ${this.#program.output}`);
    const [host, port] = this.ng.split(":");
    const socket = dgram.createSocket("udp4");
    socket.send('ping {"command":"ping"}', Number(port), host);
    const pong = new Promise((resolve) => {
      socket.once("message", () => resolve(true));
      socket.once("error", () => resolve(false));
    });
    return Promise.race([pong, delay(500, false)]).finally(() => socket.close());
  }

  get pid() {
    return this.#program.pid;
  }

  stop() {
    return this.#program.stop();
  }
}
