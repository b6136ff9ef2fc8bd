/** The tone that belongs to the state of a call: one while it rings, none otherwise. */
import type { CallInit } from "./call-options.js";
import { type PlayingTone, playCallWaiting, playRingback, playRingtone } from "./ringtone.js";
import type { CallState } from "./types.js";

/** The tones of one call. */
export class Ringing {
  readonly #play: (() => PlayingTone) | undefined;
  #tone: PlayingTone | undefined;

  constructor({ direction, waiting, audio: { ringback = "eu", ringtone = true } }: CallInit, onBlocked: () => void) {
    const tone = waiting ? playCallWaiting : playRingtone;
    if (direction === "outgoing") this.#play = ringback ? () => playRingback(ringback, onBlocked) : undefined;
    else this.#play = ringtone ? () => tone(onBlocked) : undefined;
  }

  /** The call is in this state. */
  enter(state: CallState): void {
    this.stop();
    if (state === "ringing") this.#tone = this.#play?.();
  }

  stop(): void {
    this.#tone?.stop();
    this.#tone = undefined;
  }
}
