/** How loud a stream is, for meters and microphone tests. */
import { holdContext } from "./context.js";

/** How to measure. */
export interface LevelOptions {
  /** Milliseconds between two values. Default 100. */
  interval?: number;
  /** Ends the measurement. */
  signal?: AbortSignal;
}

/** The samples looked at for one value. */
const WINDOW = 1024;
/** What counts as silence, in decibels below full scale. */
const FLOOR = -60;

/** Calls `onLevel` again and again with the loudness, from 0 (silence) to 1 (full), until the signal aborts. */
export function watchLevel(stream: MediaStream, onLevel: (level: number) => void, options: LevelOptions = {}): void {
  const { interval = 100, signal } = options;
  if (signal?.aborted || stream.getAudioTracks().length === 0) return;
  const hold = holdContext();
  const { context } = hold;
  const analyser = new AnalyserNode(context, { fftSize: WINDOW });
  const source = new MediaStreamAudioSourceNode(context, { mediaStream: stream });
  const samples = new Float32Array(WINDOW);
  source.connect(analyser);
  void context.resume();
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    onLevel(loudness(samples));
  }, interval);
  signal?.addEventListener("abort", () => { clearInterval(timer); source.disconnect(); hold.release(); }, { once: true });
}

/** Like an ear: decibels, from the floor to full scale, as 0 to 1. */
function loudness(samples: Float32Array): number {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  return meterLevel(Math.sqrt(power));
}

/** A linear amplitude, such as WebRTC's `audioLevel`, as a meter shows it. */
export function meterLevel(amplitude: number): number {
  const decibels = 20 * Math.log10(amplitude);
  return Math.min(1, Math.max(0, 1 - decibels / FLOOR));
}
