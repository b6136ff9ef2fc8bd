/**
 * Ringback and ring tone, made here instead of fetched: one looped buffer each, so no timer has to fire in time.
 *
 * Ringback is heard where calls are; the ring tone on the loudspeaker that rings.
 */
import { type ContextHold, holdContext, unlockContext } from "./audio/context.js";
import { route } from "./audio/speakers.js";

/** The ringback tone callers know from their own country (ITU-T E.180). */
export type RingbackRegion = "eu" | "us" | "uk";

/** A sound at `start` seconds into the period. */
interface Note {
  readonly start: number;
  readonly length: number;
  readonly frequencies: readonly number[];
  /** Seconds to fall to 1/e; endless for an even tone. */
  readonly decay: number;
}

/** What is repeated for as long as it rings. */
interface Cadence {
  readonly period: number;
  readonly level: number;
  readonly notes: readonly Note[];
}

const SAMPLE_RATE = 16_000;
/** Fade at both ends of a note, in seconds: without it each note would click. */
const FADE = 0.008;

const RINGBACK: Record<RingbackRegion, Cadence> = {
  eu: { period: 5, level: 0.1, notes: [even(0, 1, 425)] },
  us: { period: 6, level: 0.1, notes: [even(0, 2, 440, 480)] },
  uk: { period: 3, level: 0.1, notes: [even(0, 0.4, 400, 450), even(0.6, 0.4, 400, 450)] },
};

const RINGTONE: Cadence = {
  period: 3.2,
  level: 0.22,
  notes: [659.3, 880, 1108.7, 880, 1318.5, 1108.7].map((frequency, index) => struck(index * 0.18, frequency)),
};

/** Two short, quiet beeps into a call (ITU-T E.180 §6.4). */
const CALL_WAITING: Cadence = { period: 6, level: 0.06, notes: [even(0, 0.2, 425), even(0.4, 0.2, 425)] };

/** A tone that is playing. */
export interface PlayingTone {
  stop(): void;
}

/** What plays now. */
const playing = new Set<PlayingTone>();

/** Plays the tone a caller hears while it rings at the other side. */
export function playRingback(region: RingbackRegion, onBlocked?: () => void): PlayingTone {
  return loop(RINGBACK[region], "speaker", onBlocked);
}

/** Plays the tone of an incoming call. */
export function playRingtone(onBlocked?: () => void): PlayingTone {
  return loop(RINGTONE, "ringer", onBlocked);
}

/** Plays the tone of an incoming call to somebody who is talking. */
export function playCallWaiting(onBlocked?: () => void): PlayingTone {
  return loop(CALL_WAITING, "speaker", onBlocked);
}

/** Lets a tone that the browser held back be heard; call it inside a click. */
export async function unlockTones(): Promise<void> {
  if (playing.size > 0) await unlockContext();
}

function loop(cadence: Cadence, loudspeaker: "speaker" | "ringer", onBlocked?: () => void): PlayingTone {
  const hold = holdContext();
  route(hold.context, loudspeaker);
  const source = new AudioBufferSourceNode(hold.context, { buffer: render(hold.context, cadence), loop: true });
  source.connect(hold.context.destination);
  source.start();
  const tone = playingTone(source, hold);
  playing.add(tone);
  if (!mayPlay()) onBlocked?.();
  return tone;
}

function playingTone(source: AudioBufferSourceNode, hold: ContextHold): PlayingTone {
  const tone: PlayingTone = {
    stop() {
      if (!playing.delete(tone)) return;
      source.stop();
      source.disconnect();
      hold.release();
    },
  };
  return tone;
}

/** Has the person touched the page? Unknown counts as yes: the context then starts, or stays silent. */
function mayPlay(): boolean {
  const page: { readonly userActivation?: UserActivation } = navigator;
  return page.userActivation?.hasBeenActive ?? true;
}

function render(audio: AudioContext, cadence: Cadence): AudioBuffer {
  const buffer = audio.createBuffer(1, cadence.period * SAMPLE_RATE, SAMPLE_RATE);
  const samples = buffer.getChannelData(0);
  cadence.notes.forEach((note) => { mix(samples, note, cadence.level); });
  return buffer;
}

function mix(samples: Float32Array, note: Note, level: number): void {
  const first = Math.round(note.start * SAMPLE_RATE);
  const count = Math.min(Math.round(note.length * SAMPLE_RATE), samples.length - first);
  for (let i = 0; i < count; i++) {
    const time = i / SAMPLE_RATE;
    const envelope = Math.min(1, time / FADE, (note.length - time) / FADE) * Math.exp(-time / note.decay);
    const tone = note.frequencies.reduce((sum, f) => sum + Math.sin(2 * Math.PI * f * time), 0);
    samples[first + i] = (samples[first + i] ?? 0) + (level * envelope * tone) / note.frequencies.length;
  }
}

function even(start: number, length: number, ...frequencies: number[]): Note {
  return { start, length, frequencies, decay: Infinity };
}

/** Like a bar that is struck: the tone, a quieter octave, and a fall. */
function struck(start: number, frequency: number): Note {
  return { start, length: 0.9, frequencies: [frequency, frequency, frequency * 2], decay: 0.22 };
}
