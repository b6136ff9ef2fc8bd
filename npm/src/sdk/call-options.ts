/** What a call is made of, and what its methods take. */
import type { RingbackRegion } from "./ringtone.js";
import type { CallKin } from "./transfer.js";
import type { DigitMethod, Party } from "./types.js";

/** How a call sounds on this page. */
export interface CallAudio {
  /** Plays the other side. Default: an element of our own. `false`: nothing, the page uses `remoteStream`. */
  element?: HTMLAudioElement | false;
  /** The tone while it rings at the other side and sends no sound of its own. Default `"eu"`. */
  ringback?: RingbackRegion | false;
  /** The tone of an incoming call. Default `true`. */
  ringtone?: boolean;
}

/** How to answer. */
export interface AnswerOptions {
  /** Headers added to the answer. */
  headers?: [string, string][];
  /** Sound to send instead of the microphone's. Its tracks stay the page's. */
  stream?: MediaStream;
  /** Hangs up when it aborts. */
  signal?: AbortSignal;
}

/** How to send digits. */
export interface DigitOptions {
  /**
   * `auto`: as telephone events (RFC 4733) where the other side takes them, else by INFO. `rtp`: as telephone events
   * only. `info-relay`, `info-dtmf`: by INFO with `application/dtmf-relay` or `application/dtmf`. Default `auto`.
   */
  method?: DigitMethod;
  /** Milliseconds that each digit sounds, 40 to 6000. Default 100. */
  duration?: number;
  /** Milliseconds between two digits, at least 30. Default 70. */
  gap?: number;
}

/** @internal What a call is made of; only `UserAgent` makes one. */
export interface CallInit {
  readonly direction: "outgoing" | "incoming";
  readonly remote: Party;
  readonly local?: Party | undefined;
  readonly headers?: readonly (readonly [string, string])[];
  readonly audio: CallAudio;
  readonly kin: CallKin;
  readonly signal?: AbortSignal | undefined;
}
