// Writes docs/benchmarks.md and its plots from what one run of beside.mjs found. Nobody edits them by hand.

import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { root } from "../harness/paths.mjs";
import { bars, curves } from "./plot.mjs";

const folder = path.join(root, "docs/benchmarks");

export async function writePage(found) {
  await mkdir(folder, { recursive: true });
  const both = found.paths.filter(({ switchhook, rtpengine }) => switchhook?.callsPerCore && rtpengine?.callsPerCore);
  const groups = (value) => both.map(({ name, ...servers }) => ({ label: name, values: { switchhook: value(servers.switchhook), rtpengine: value(servers.rtpengine) } }));
  await writeFile(path.join(folder, "calls-per-core.svg"), bars("Calls per core", "extrapolated from CPU time", groups(({ callsPerCore }) => callsPerCore)));
  await writeFile(path.join(folder, "delay.svg"), bars("Delay added on the way to the PBX", "ms, median", groups(({ toTrunk }) => toTrunk.delay ?? 0)));
  for (const [codec, file] of [["PCMU", "pcmu"], ["G.722", "g722"], ["G.729", "g729"]]) {
    await writeFile(path.join(folder, `pesq-${file}.svg`), soundPlot(codec, found.sound));
  }
  await writeFile(path.join(root, "docs/benchmarks.md"), page(found));
  await writeFile(path.join(folder, "results.json"), `${JSON.stringify(found, null, 1)}\n`);
}

/** A warning where the machine had other things to do. */
function busy({ loadBefore }) {
  if (Number(loadBefore) < 1) return "";
  return `

**The machine was busy with other work during this run.** Delays, their 99th percentiles, jitter and missing packets are then mostly
those of its scheduler, for both servers; CPU time suffers less. Repeat it on a quiet machine before quoting it.`;
}

const PERCENTS = [0, 1, 3, 5, 10];

function soundPlot(codec, sound) {
  const series = ["switchhook", "rtpengine"].flatMap((server) =>
    [1, 3].map((burst) => {
      const at = (percent) => sound.find((cell) => cell.codec === codec && cell.direction === "to-trunk" && cell.server === server && cell.percent === percent && (percent === 0 || cell.burst === burst));
      const points = PERCENTS.map((percent, n) => [n, at(percent)?.pesq]).filter(([, score]) => score);
      return { server, dashed: burst > 1, points };
    }),
  );
  return curves(`${codec}, browser to PBX, by loss`, "PESQ; dashed: in bursts", PERCENTS.map((percent) => `${percent} %`), 1, 4.5, series);
}

function page({ about, seconds, paths, complexity, sound }) {
  return `# Benchmarks

The media path of the relay beside [rtpengine](https://github.com/sipwise/rtpengine), both fed by one load generator in one
run. Written by \`make bench\`; do not edit.

**Machine**: ${about.cpu} (${about.extensions}), ${about.kernel}, one-minute load before the run ${about.loadBefore}; ${about.date}.
**Versions**: Switchhook at ${about.commit}, ${about.compiler}; rtpengine ${about.rtpengine ?? "was not there"} from Debian sid, in user space, its own defaults.

Absolute figures belong to this machine and to what else it was doing. The ratios hold further.${busy(about)}

## How it is measured

The generator (\`tests/src/bin/load\`) plays browsers and phones. A browser has a socket of its own, makes ICE and DTLS
(rtc-stun, rtc-dtls, rtc-srtp; AES_CM_128_HMAC_SHA1_80) and sends speech that was encoded beforehand; both sides of a call
talk without a pause for ${seconds} s after 1.5 s of warming up, 20 ms a packet. Our relay is driven by SIP over WebSocket to a UDP phone;
rtpengine by its ng protocol, as Kamailio would. Both have one media thread.

- *CPU* is user and system time of the server's process from \`/proc/PID/stat\`; *calls per core* is what that comes to at 100 %
  of a core: extrapolated, since the generator needs the other one.
- *Delay* is found in the sound: what was heard is correlated with what was said, so that look-ahead, jitter buffers and
  filters count, and each packet's way is added. Opus itself looks 6.5 ms ahead.
- *Jitter* is RFC 3550's at the receiver. *Missing* is what was sent and did not come out.
- Browsers obey \`maxplaybackrate\` in the answer, as Chromium does: our relay asks for narrow band where the PBX's codec is
  narrow band, rtpengine does not. One row shows ours with a browser that ignores it.

## Cost

![Calls per core](benchmarks/calls-per-core.svg)

${costTable(paths)}

A row that failed is a path that the server does not carry yet, with the words in which it says so. Memory is that of the calls
of the row only: with few calls, what a server sets aside once weighs more.

## Delay

![Delay](benchmarks/delay.svg)

${delayTable(paths)}

## Sound

PESQ (ITU-T P.862, narrow band, PyPI \`pesq\`) of synthetic speech, whose own ceiling is about 3.96 for PCMU, 2.67 for G.729 and 4.26 for
Opus; medians of two calls. Packets get lost on their way to the server, the same ones for both. "In bursts" means three in a row on
average. The listener conceals what is missing, as phones and browsers do.

![PCMU](benchmarks/pesq-pcmu.svg)
![G.722](benchmarks/pesq-g722.svg)
![G.729](benchmarks/pesq-g729.svg)

${soundTables(sound)}

## The encoder's complexity

What our Opus encoder gives and costs by its complexity, without a network, for speech that was G.711 (8000 Hz) or G.722
(16000 Hz) before. The default is 4 in wide band, the lowest within 0.05 of complexity 10, and 1 in narrow band, where 0 sounds
the same and costs nearly as much. Under load the relay goes down to 0 before it refuses calls.

${complexityTable(complexity)}
`;
}

function table(head, rows) {
  return [head, head.map((_, n) => (n < 2 ? "---" : "---:")), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** A row for each server of each path. */
function rows(paths, cells) {
  return paths.flatMap(({ name, ...found }) =>
    ["switchhook", "rtpengine"].filter((server) => found[server]).map((server) => {
      if (found[server].failed) return [name, server, `failed: ${found[server].failed}`];
      return [name, server, ...cells(found[server], server === "switchhook" ? found.rtpengine : undefined)];
    }),
  );
}

function costTable(paths) {
  const head = ["Path", "Server", "CPU s per call minute", "µs per call and 20 ms", "Calls per core", "Ratio", "kB per call", "CPU ms to set up", "Missing"];
  return table(head, rows(paths, (own, other) => [
    own.cpuPerCallMinute.toFixed(3),
    own.microsecondsPerFrame.toFixed(1),
    own.callsPerCore.toFixed(0),
    other?.callsPerCore ? `${(own.callsPerCore / other.callsPerCore).toFixed(1)} ×` : "",
    own.memoryPerCall.toFixed(0),
    (own.setUpCpu * 1_000).toFixed(1),
    `${(100 * Math.max(own.toTrunk.missing, own.toWeb.missing)).toFixed(2)} %`,
  ]));
}

function delayTable(paths) {
  const ms = (value) => (value === null || value === undefined ? "not found" : value.toFixed(1));
  const head = ["Path", "Server", "To PBX, median ms", "p99", "Jitter", "To browser, median ms", "p99", "Jitter"];
  return table(head, rows(paths, ({ toTrunk, toWeb }) => [toTrunk, toWeb].flatMap(({ delay, delay99, jitter }) => [ms(delay), ms(delay99), ms(jitter)])));
}

function complexityTable(rows) {
  const head = ["Rate", "Complexity", "PESQ", "µs a frame", "kbit/s"];
  return table(head, rows.map(({ rate, complexity, pesq, micros, bitrate }) => [`${rate} Hz`, complexity, pesq?.toFixed(2) ?? "?", micros.toFixed(0), (bitrate / 1_000).toFixed(1)]));
}

function soundTables(sound) {
  const columns = [...PERCENTS.map((percent) => [percent, 1]), ...PERCENTS.slice(1).map((percent) => [percent, 3])];
  const head = ["Codec, direction", "Server", ...columns.map(([percent, burst]) => `${percent} %${burst > 1 ? " in bursts" : ""}`)];
  const names = { "to-trunk": "browser to PBX", "to-web": "PBX to browser" };
  const keys = [...new Set(sound.map(({ codec, direction, server }) => `${codec}|${direction}|${server}`))].sort();
  return table(head, keys.map((key) => {
    const [codec, direction, server] = key.split("|");
    const cell = ([percent, burst]) => sound.find((one) => one.codec === codec && one.direction === direction && one.server === server && one.percent === percent && one.burst === burst);
    return [`${codec}, ${names[direction]}`, server, ...columns.map((column) => cell(column)?.pesq?.toFixed(2) ?? "?")];
  }));
}
