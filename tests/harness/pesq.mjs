// PESQ (ITU-T P.862, narrow band) through the Python package of that name, where set-up could install it.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { cache } from "./paths.mjs";
import { writeWav } from "./sound.mjs";

const run = promisify(execFile);
const python = path.join(cache, "pesq/bin/python");
const SCRIPT = `
import sys, wave, numpy
from pesq import pesq
def read(name):
    with wave.open(name) as file:
        return numpy.frombuffer(file.readframes(file.getnframes()), dtype=numpy.int16)
print(pesq(8000, read(sys.argv[1]), read(sys.argv[2]), "nb"))
`;

/** From 1 (bad) to 4.5; undefined where PESQ is not installed. Both at 8 kHz and roughly aligned. */
export async function pesq(source, heard, rate) {
  if (rate !== 8_000) throw new Error("PESQ narrow band is for 8 kHz");
  if (!existsSync(python)) return undefined;
  const name = `${process.pid}-${Math.random().toString(36).slice(2)}`;
  const [from, to] = await Promise.all([writeWav(`pesq-${name}-source.wav`, source, rate), writeWav(`pesq-${name}-heard.wav`, heard, rate)]);
  const { stdout } = await run(python, ["-c", SCRIPT, from, to]);
  return Number(stdout);
}

const MANY = `
import json, sys, wave, numpy
from pesq import pesq
def read(name):
    with wave.open(name) as file:
        return numpy.frombuffer(file.readframes(file.getnframes()), dtype=numpy.int16)
def score(said, heard):
    try:
        return float(pesq(8000, read(said), read(heard), "nb"))
    except Exception:
        return None
print(json.dumps([score(*pair) for pair in json.load(sys.stdin)]))
`;

/** The same for pairs of WAV files at 8 kHz, what was said before what was heard; null where a pair cannot be scored. */
export async function pesqOfFiles(pairs) {
  if (!existsSync(python)) return pairs.map(() => null);
  const running = run(python, ["-c", MANY], { maxBuffer: 1 << 24 });
  running.child.stdin.end(JSON.stringify(pairs));
  return JSON.parse((await running).stdout);
}
