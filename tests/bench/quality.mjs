// How speech sounds after either server, by PESQ (ITU-T P.862, narrow band), at several rates of loss on the way to it.
//
// All cells of a table are calls of one run: call n has loss number n of the list, the same packets for both servers.
// The listener conceals what still misses, as phones and browsers do.

import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { cache } from "../harness/paths.mjs";
import { median } from "../harness/figures.mjs";
import { pesqOfFiles } from "../harness/pesq.mjs";
import { fresh } from "./load.mjs";

/** Per cent, and packets in a row on average. */
const LOSSES = [
  { percent: 0, burst: 1 },
  ...[1, 3, 5, 10].map((percent) => ({ percent, burst: 1 })),
  ...[1, 3, 5, 10].map((percent) => ({ percent, burst: 3 })),
];
const CODECS = [
  ["PCMU", "PCMU"],
  ["G.722", "G722"],
  ["G.729", "G729"],
];
/** Calls for each cell: which packets get lost matters as much as how many. */
const EACH = 2;
const SECONDS = 10;

/** One object for each codec, direction, loss and server. */
export async function quality() {
  const rows = [];
  for (const [codec, trunk] of CODECS) {
    for (const server of ["switchhook", "rtpengine"]) rows.push(...(await cells(codec, trunk, server)));
  }
  return rows;
}

async function cells(codec, trunk, server) {
  const folder = path.join(cache, "bench-sound");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const losses = LOSSES.map(({ percent, burst }) => `${percent}:${burst}`).join(",");
  const calls = LOSSES.length * EACH;
  await fresh(server, { trunk, calls, seconds: SECONDS, more: ["--losses", losses, "--record", folder] });
  const rows = [];
  for (const direction of ["to-trunk", "to-web"]) {
    const pairs = Array.from({ length: calls }, (_, n) => ["said", "heard"].map((what) => path.join(folder, `${direction}-${n}-${what}.wav`)));
    const scores = await pesqOfFiles(pairs);
    LOSSES.forEach((loss, at) => {
      const own = scores.filter((score, n) => n % LOSSES.length === at && score !== null);
      rows.push({ codec, direction, ...loss, server, pesq: own.length > 0 ? median(own) : null });
    });
  }
  const clean = rows.filter(({ percent }) => percent === 0).map(({ direction, pesq }) => `${direction} ${pesq?.toFixed(2)}`);
  const worst = rows.filter(({ percent, burst }) => percent === 10 && burst === 1).map(({ direction, pesq }) => `${direction} ${pesq?.toFixed(2)}`);
  console.log(`PESQ of ${codec}, ${server}: clean ${clean.join(", ")}; 10 % random loss ${worst.join(", ")}`);
  return rows;
}
