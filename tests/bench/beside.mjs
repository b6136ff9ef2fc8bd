// The media path beside rtpengine, in the same run and with the same streams: cost, delay and sound. `make bench` runs it;
// what it finds is printed, and written to docs/benchmarks.md with its plots.
//
// Figures are not judged here: they belong to a machine and its neighbours. Ratios between the two servers hold further.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import os from "node:os";
import { complexities } from "./complexity.mjs";
import { fresh, prepare } from "./load.mjs";
import { writePage } from "./page.mjs";
import { quality } from "./quality.mjs";

const SECONDS = Number(process.env.SECONDS ?? 8);
/** Only these paths, for a quick look; the page is then left alone. */
const ONLY = process.env.ONLY && new RegExp(process.env.ONLY, "i");

/** Which calls, and how many at once: rtpengine carries about 60 of the dearest on a core of such machines. */
const PATHS = [
  { name: "Opus ↔ PCMU", web: "opus", trunk: "PCMU", calls: 40 },
  { name: "PCMU (SRTP) ↔ PCMU", web: "PCMU", trunk: "PCMU", calls: 60 },
  { name: "Opus ↔ G.722", web: "opus", trunk: "G722", calls: 40 },
  { name: "Opus ↔ G.729", web: "opus", trunk: "G729", calls: 30 },
  { name: "Opus ↔ Opus", web: "opus", trunk: "opus", calls: 60 },
  { name: "Opus ↔ PCMU, browser ignores maxplaybackrate", web: "opus", trunk: "PCMU", calls: 40, more: ["--full-band"], only: "switchhook" },
  { name: "Opus ↔ PCMU, rtpengine at complexity 5", web: "opus", trunk: "PCMU", calls: 40, more: ["--complexity", "5"], only: "rtpengine" },
];

function version(command, ...args) {
  return execFileSync(command, args, { encoding: "utf8" }).trim();
}

function machine() {
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "";
  return {
    cpu: `${os.cpus()[0].model.trim()}, ${os.cpus().length} cores`,
    kernel: `${os.type()} ${os.release().split("-")[0]}`,
    compiler: version("rustc", "--version"),
    commit: version("git", "rev-parse", "--short", "HEAD"),
    extensions: ["avx2", "aes", "sha_ni"].filter((name) => flags.split(" ").includes(name)).join(", "),
    loadBefore: os.loadavg()[0].toFixed(1),
    date: new Date().toISOString().slice(0, 10),
  };
}

function line(name, server, { callsPerCore, cpuPerCallMinute, memoryPerCall, toTrunk, toWeb, overrun, late }) {
  const ms = (value) => (value === null ? "?" : value.toFixed(1));
  const parts = [
    `${callsPerCore.toFixed(0)} calls/core`,
    `${cpuPerCallMinute.toFixed(3)} CPU s/call minute`,
    `${memoryPerCall.toFixed(0)} kB`,
    `to PBX ${ms(toTrunk.delay)}/${ms(toTrunk.delay99)} ms, to browser ${ms(toWeb.delay)}/${ms(toWeb.delay99)} ms`,
    `jitter ${ms(toTrunk.jitter)}/${ms(toWeb.jitter)} ms`,
    `missing ${(100 * toTrunk.missing).toFixed(2)}/${(100 * toWeb.missing).toFixed(2)} %`,
  ];
  const noise = overrun + late > 0 ? ` (${overrun} overruns, generator late in ${late} ms)` : "";
  console.log(`${name.padEnd(46)} ${server.padEnd(10)} ${parts.join(", ")}${noise}`);
}

/** Both servers on one path; one that cannot is told and left out. */
async function measure({ name, only, ...options }) {
  const found = { name, calls: options.calls };
  for (const server of ["switchhook", "rtpengine"].filter((server) => !only || server === only)) {
    try {
      found[server] = await fresh(server, { seconds: SECONDS, ...options });
      line(name, server, found[server]);
    } catch (error) {
      found[server] = { failed: (error.stderr || error.message).trim().split("\n").at(-1) };
      console.log(`${name.padEnd(46)} ${server.padEnd(10)} failed: ${found[server].failed}`);
    }
  }
  return found;
}

await prepare();
const about = machine();
const paths = [];
for (const path of PATHS.filter(({ name }) => !ONLY || ONLY.test(name))) paths.push(await measure(path));
const complexity = ONLY && !ONLY.test("complexity") ? [] : await complexities();
const sound = ONLY && !ONLY.test("quality") ? [] : await quality();
about.rtpengine = paths.map(({ rtpengine }) => rtpengine?.version).find(Boolean);
if (!ONLY) await writePage({ about, seconds: SECONDS, paths, complexity, sound });
