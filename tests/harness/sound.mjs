// Makes test sounds and finds out what was heard: tones by frequency and level, DTMF digits, delay and likeness of
// two recordings. All samples are Float32Array in -1…1, mono; levels are dB relative to a full-scale sine.

import { execFile } from "node:child_process";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { median } from "./figures.mjs";
import { cache } from "./paths.mjs";

const run = promisify(execFile);

/** A sine of `level` dB (0 is full scale). */
export function tone(frequency, seconds, { rate = 48_000, level = -12 } = {}) {
  const amplitude = 10 ** (level / 20);
  return Float32Array.from({ length: Math.round(seconds * rate) }, (_, n) => amplitude * Math.sin((2 * Math.PI * frequency * n) / rate));
}

export function silence(seconds, rate = 48_000) {
  return new Float32Array(Math.round(seconds * rate));
}

export function join(...parts) {
  const joined = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Writes 16-bit PCM; returns the path. */
export async function writeWav(name, mono, rate = 48_000, channels = 1) {
  const samples = Float32Array.from({ length: mono.length * channels }, (_, n) => mono[Math.floor(n / channels)]);
  const data = Buffer.alloc(44 + samples.length * 2);
  data.write("RIFF", 0);
  data.writeUInt32LE(36 + samples.length * 2, 4);
  data.write("WAVEfmt ", 8);
  data.writeUInt32LE(16, 16);
  data.writeUInt16LE(1, 20);
  data.writeUInt16LE(channels, 22);
  data.writeUInt32LE(rate, 24);
  data.writeUInt32LE(rate * 2 * channels, 28);
  data.writeUInt16LE(2 * channels, 32);
  data.writeUInt16LE(16, 34);
  data.write("data", 36);
  data.writeUInt32LE(samples.length * 2, 40);
  samples.forEach((sample, n) => data.writeInt16LE(Math.round(Math.max(-1, Math.min(1, sample)) * 32_767), 44 + n * 2));
  const file = path.isAbsolute(name) ? name : path.join(cache, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, data);
  return file;
}

/** Reads 16-bit PCM; several channels are averaged. A length field that was never filled in is read to the end. */
export async function readWav(file) {
  const data = await readFile(file);
  let at = 12;
  let channels = 1;
  let rate = 8_000;
  while (at + 8 <= data.length) {
    const name = data.toString("latin1", at, at + 4);
    const size = data.readUInt32LE(at + 4);
    if (name === "fmt ") {
      channels = data.readUInt16LE(at + 10);
      rate = data.readUInt32LE(at + 12);
    }
    if (name === "data") {
      const end = size === 0 ? data.length : Math.min(data.length, at + 8 + size);
      return { rate, samples: fromPcm16(data.subarray(at + 8, end), channels) };
    }
    at += 8 + size + (size % 2);
  }
  throw new Error(`${file} holds no samples`);
}

export function fromPcm16(bytes, channels = 1) {
  const frames = Math.floor(bytes.length / 2 / channels);
  return Float32Array.from({ length: frames }, (_, frame) => {
    let sum = 0;
    for (let channel = 0; channel < channels; channel += 1) sum += bytes.readInt16LE((frame * channels + channel) * 2);
    return sum / channels / 32_768;
  });
}

/** A spoken sentence at -20 dB, from espeak-ng, at the given rate; made once. */
export async function speech(rate = 48_000) {
  const file = path.join(cache, `speech-${rate}.wav`);
  try {
    return { file, ...(await readWav(file)) };
  } catch {
    await mkdir(cache, { recursive: true });
    const raw = path.join(cache, `speech-${rate}-${process.pid}-raw.wav`);
    const made = path.join(cache, `speech-${rate}-${process.pid}.wav`);
    await run("espeak-ng", ["-v", "en-us", "-s", "150", "-w", raw, SENTENCE]);
    await run("sox", [raw, "-r", String(rate), "-b", "16", "-c", "1", made, "highpass", "150", "gain", "-n", "-6", "pad", "0.3", "0.7"]);
    await rename(made, file);
    await rm(raw);
    return { file, ...(await readWav(file)) };
  }
}

const SENTENCE =
  "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background. " +
  "It is easy to tell the depth of a well. These days a chicken leg is a rare dish.";

/** Root mean square in dB relative to a full-scale sine. */
export function level(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return 10 * Math.log10((2 * sum) / Math.max(1, samples.length) + 1e-12);
}

/** The strength of one frequency in dB (Goertzel with a Hann window). */
export function strength(samples, rate, frequency) {
  const coefficient = 2 * Math.cos((2 * Math.PI * frequency) / rate);
  let [one, two, weight] = [0, 0, 0];
  const last = samples.length - 1;
  for (let n = 0; n <= last; n += 1) {
    const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / last);
    weight += window;
    [one, two] = [samples[n] * window + coefficient * one - two, one];
  }
  const power = one * one + two * two - coefficient * one * two;
  return 20 * Math.log10((2 * Math.sqrt(Math.max(0, power))) / weight + 1e-9);
}

/** The strongest frequency between `from` and `to` Hz, its level, and how far it stands above everything else. */
export function strongest(samples, rate, { from = 100, to = 3_600, stepHz = 10 } = {}) {
  let best = { frequency: 0, level: -Infinity };
  for (let frequency = from; frequency <= to; frequency += stepHz) {
    const found = strength(samples, rate, frequency);
    if (found > best.level) best = { frequency, level: found };
  }
  for (let frequency = best.frequency - stepHz; frequency <= best.frequency + stepHz; frequency += 1) {
    const found = strength(samples, rate, frequency);
    if (found > best.level) best = { frequency, level: found };
  }
  const whole = 10 ** (level(samples) / 10);
  const rest = Math.max(whole - 10 ** (best.level / 10), 1e-12);
  return { ...best, purity: best.level - 10 * Math.log10(rest) };
}

const LOW = [697, 770, 852, 941];
const HIGH = [1209, 1336, 1477, 1633];
const KEYS = ["123A", "456B", "789C", "*0#D"];

/** The DTMF digits in a recording, in order: a digit is a pair that lasts, between two gaps. */
export function digits(samples, rate) {
  const hop = Math.round(rate * 0.01);
  const width = Math.round(rate * 0.03);
  let found = "";
  let current = null;
  let run = 0;
  for (let at = 0; at + width <= samples.length; at += hop) {
    const key = pair(samples.subarray(at, at + width), rate);
    run = key === current ? run + 1 : 1;
    current = key;
    if (key && run === 3) found += key;
  }
  return found;
}

function pair(frame, rate) {
  const all = level(frame);
  if (all < -45) return null;
  const [low, lowLevel] = loudest(frame, rate, LOW);
  const [high, highLevel] = loudest(frame, rate, HIGH);
  const both = 10 * Math.log10(10 ** (lowLevel / 10) + 10 ** (highLevel / 10));
  if (Math.abs(lowLevel - highLevel) > 9 || both < all - 2) return null;
  return KEYS[low][high];
}

function loudest(frame, rate, frequencies) {
  const levels = frequencies.map((frequency) => strength(frame, rate, frequency));
  const best = levels.indexOf(Math.max(...levels));
  return [best, levels[best]];
}

/** Brings samples to another rate by linear interpolation after a moving average: good enough to compare loudness. */
export function resample(samples, from, to) {
  if (from === to) return samples;
  const ratio = from / to;
  const span = Math.max(1, Math.round(ratio));
  return Float32Array.from({ length: Math.floor(samples.length / ratio) }, (_, n) => {
    const at = Math.floor(n * ratio);
    let sum = 0;
    for (let k = 0; k < span; k += 1) sum += samples[Math.min(samples.length - 1, at + k)];
    return sum / span;
  });
}

/**
 * Where `source` lies in `heard` and how alike they are: both at the same rate. `likeness` is the correlation of the
 * loudness curves, which a codec with its own phase response leaves alone; it is the median over pieces that are
 * aligned on their own, because a browser stretches sound when packets come unevenly. `delay` is their median, found in
 * steps of 5 ms, `drift` the distance between the earliest and the latest; `gain` is how much louder (dB) it was heard.
 */
export function compare(source, heard, rate) {
  const hop = Math.round(rate * 0.005);
  const whole = aligned(source, heard, hop);
  const from = Math.max(0, whole.shift * hop);
  const skip = Math.max(0, -whole.shift * hop);
  const length = Math.min(source.length - skip, heard.length - from);
  const gain = level(heard.subarray(from, from + length)) - level(source.subarray(skip, skip + length));
  const pieces = [...inPieces(source, heard, rate, whole.shift * hop)];
  const delays = pieces.map(({ delay }) => delay);
  return {
    delay: median(delays),
    drift: Math.max(...delays) - Math.min(...delays),
    likeness: median(pieces.map(({ likeness }) => likeness)),
    gain,
    seconds: length / rate,
  };
}

/** Pieces of 1.5 s, each looked for within 0.25 s of where the whole was found. */
function* inPieces(source, heard, rate, shift) {
  const hop = Math.round(rate * 0.005);
  const [piece, slack] = [Math.round(1.5 * rate), Math.round(0.25 * rate)];
  for (let at = 0; at + piece <= source.length; at += rate) {
    const from = Math.max(0, at + shift - slack);
    const there = heard.subarray(from, at + shift + piece + slack);
    if (there.length < piece) continue;
    const found = aligned(source.subarray(at, at + piece), there, hop);
    yield { likeness: found.likeness, delay: (from + found.shift * hop - at) / rate };
  }
}

/** The shift, in hops, at which the loudness curves are most alike. */
function aligned(source, heard, hop) {
  const [a, b] = [envelope(source, hop), envelope(heard, hop)];
  let best = { shift: 0, likeness: -1 };
  for (let shift = -Math.floor(a.length / 2); shift < b.length - Math.min(a.length / 2, 100); shift += 1) {
    const likeness = correlation(a, b, shift);
    if (likeness > best.likeness) best = { shift, likeness };
  }
  return best;
}

/**
 * Loudness in steps of `hop` samples over four of them, so that half a step of delay makes no difference; in dB above a
 * floor that a codec's noise does not reach.
 */
function envelope(samples, hop) {
  return Float64Array.from({ length: Math.max(0, Math.floor(samples.length / hop) - 3) }, (_, n) =>
    Math.max(-45, level(samples.subarray(n * hop, (n + 4) * hop))),
  );
}

/** The correlation of a[n] and b[n + shift] over where both are. */
function correlation(a, b, shift) {
  const from = Math.max(0, -shift);
  const to = Math.min(a.length, b.length - shift);
  const count = to - from;
  if (count < Math.min(a.length, b.length) / 2) return -1;
  let [sa, sb, saa, sbb, sab] = [0, 0, 0, 0, 0];
  for (let n = from; n < to; n += 1) {
    const [x, y] = [a[n], b[n + shift]];
    sa += x;
    sb += y;
    saa += x * x;
    sbb += y * y;
    sab += x * y;
  }
  const spread = Math.sqrt((saa - (sa * sa) / count) * (sbb - (sb * sb) / count));
  return spread > 0 ? (sab - (sa * sb) / count) / spread : -1;
}

/** What a page's recorder gave: base64 of 16-bit PCM at 48 kHz. */
export function decoded(base64) {
  return fromPcm16(Buffer.from(base64, "base64"));
}
