/** How loud a stream is, for meters and microphone tests. */
import { holdContext } from "./context.js";

/** How to measure. */
export interface LevelOptions {
  /** Milliseconds between two values. Default 100. */
  interval?: number;
  /** Ends the measurement. */
  signal?: AbortSignal;
}

/** As long as an ear takes to hear how loud something is, in seconds. */
const MOMENT = 0.02;
/** The longest that an analyser remembers, in samples. */
const LONGEST = 32_768;
/** What counts as silence, in decibels below full scale. */
const FLOOR = -60;

/** Calls `onLevel` again and again with the loudest moment since the last time, from 0 (silence) to 1 (full), until the signal aborts. */
export function watchLevel(stream: MediaStream, onLevel: (level: number) => void, options: LevelOptions = {}): void {
  const { interval = 100, signal } = options;
  if (signal?.aborted || stream.getAudioTracks().length === 0) return;
  const hold = holdContext();
  const { context } = hold;
  // Four intervals: a timer that comes late misses nothing.
  const fftSize = Math.min(LONGEST, 2 ** Math.ceil(Math.log2(Math.max(4 * interval / 1_000, MOMENT) * context.sampleRate)));
  const analyser = new AnalyserNode(context, { fftSize });
  const source = new MediaStreamAudioSourceNode(context, { mediaStream: stream });
  const samples = new Float32Array(fftSize);
  let seen = context.currentTime;
  source.connect(analyser);
  const timer = setInterval(() => {
    const now = context.currentTime;
    const unheard = Math.max(now - seen, MOMENT) * context.sampleRate;
    analyser.getFloatTimeDomainData(samples);
    onLevel(loudest(samples.subarray(-Math.ceil(unheard)), MOMENT * context.sampleRate));
    seen = now;
  }, interval);
  signal?.addEventListener("abort", () => { clearInterval(timer); source.disconnect(); hold.release(); }, { once: true });
}

/** The loudest moment since the last look. */
function loudest(samples: Float32Array, moment: number): number {
  let most = 0;
  for (let start = 0; start < samples.length; start += moment) {
    const part = samples.subarray(start, start + moment);
    most = Math.max(most, part.reduce((sum, sample) => sum + sample * sample, 0) / part.length);
  }
  return meterLevel(Math.sqrt(most));
}

/** A linear amplitude, such as WebRTC's `audioLevel`, as a meter shows it. */
export function meterLevel(amplitude: number): number {
  const decibels = 20 * Math.log10(amplitude);
  return Math.min(1, Math.max(0, 1 - decibels / FLOOR));
}
