// The table by which our Opus encoder's complexity is chosen: PESQ and cost of each, in narrow and in wide band.

import { mkdir } from "node:fs/promises";
import path from "node:path";
import { cache } from "../harness/paths.mjs";
import { pesqOfFiles } from "../harness/pesq.mjs";
import { generator } from "./load.mjs";

/** One object for each rate and complexity. */
export async function complexities() {
  const folder = path.join(cache, "bench-complexity");
  await mkdir(folder, { recursive: true });
  const rows = await generator(["complexity", cache, folder]);
  const scores = await pesqOfFiles(rows.map(({ said, heard }) => [said, heard]));
  const table = rows.map(({ rate, complexity, micros, bitrate }, n) => ({ rate, complexity, micros, bitrate, pesq: scores[n] }));
  for (const { rate, complexity, micros, bitrate, pesq } of table) {
    console.log(`Opus ${rate} Hz, complexity ${String(complexity).padStart(2)}: ${micros.toFixed(0)} µs a frame, ${(bitrate / 1_000).toFixed(1)} kbit/s, PESQ ${pesq?.toFixed(2)}`);
  }
  return table;
}
