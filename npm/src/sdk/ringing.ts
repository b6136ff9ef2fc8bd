/** The tone that belongs to the state of a call: one while it rings and the page has not decided, none otherwise. */
import type { CallInit } from "./call-options.js";
import { type PlayingTone, playCallWaiting, playRingback, playRingtone } from "./ringtone.js";
import type { CallState } from "./types.js";

/** The tones of one call. */
export class Ringing {
  readonly #play: (() => PlayingTone) | undefined;
  #tone: PlayingTone | undefined;
  #isDecided = false;

  constructor({ direction, waiting, audio: { ringback = "eu", ringtone = true } }: CallInit, onBlocked: () => void) {
    const tone = waiting ? playCallWaiting : playRingtone;
    if (direction === "outgoing") this.#play = ringback ? () => playRingback(ringback, onBlocked) : undefined;
    else this.#play = ringtone ? () => tone(onBlocked) : undefined;
  }

  /** Has the page said what is to become of the call? It goes on ringing until the core has done so. */
  get isDecided(): boolean {
    return this.#isDecided;
  }

  /** The page answers, declines or hangs up. */
  decide(): void {
    this.#isDecided = true;
    this.#stop();
  }

  /** The call is in this state. */
  enter(state: CallState): void {
    this.#stop();
    if (state === "ringing") this.#tone = this.#play?.();
  }

  #stop(): void {
    this.#tone?.stop();
    this.#tone = undefined;
  }
}
