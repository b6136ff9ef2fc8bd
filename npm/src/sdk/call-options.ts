/** What a call is made of, and what its methods take. */
import type { KeptCall } from "./kept-calls.js";
import type { AutoAnswerRequest } from "./auto-answer.js";
import type { RedirectPolicy } from "./redirection.js";
import type { RingbackRegion } from "./ringtone.js";
import type { CallKin } from "./transfer.js";
import type { DigitMethod, Diversion, Identity, Party } from "./types.js";
import type { OtherCalls } from "./waiting.js";

/** How a call sounds on this page. */
export interface CallAudio {
  /** Plays the other side. Default: an element of our own. `false`: nothing, the page uses `remoteStream`. */
  element?: HTMLAudioElement | false;
  /** The tone while it rings at the other side and sends no sound of its own. Default `"eu"`. */
  ringback?: RingbackRegion | false;
  /** The tone of an incoming call: quiet and short while both sides of another call talk. Default `true`. */
  ringtone?: boolean;
}

/** How to answer. */
export interface AnswerOptions {
  /** Headers added to the answer. */
  headers?: [string, string][];
  /** Sound to send instead of the microphone's. Its tracks stay the page's. */
  stream?: MediaStream;
  /** What happens to the other calls in which both sides talk: they go on, are held, or are hung up. Default `"keep"`. */
  others?: OtherCalls;
  /** Hangs up when it aborts. */
  signal?: AbortSignal;
}

/** Why a call ends, for the other side: a Reason header (RFC 3326). */
export interface EndReason {
  /** In a line of words, at most 256 bytes. Most phones show it. */
  text?: string;
  /** As a telephone exchange says it (ITU-T Q.850), 1 to 127: 16 is an ordinary end, 17 busy, 21 rejected. */
  q850?: number;
}

/** How to decline a call. */
export interface RejectOptions extends EndReason {
  /** The SIP status, from 400 to 699: 486 (busy here), 480 (not now), 603 (declined everywhere). Default 486. */
  status?: number;
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
  readonly identity?: Identity;
  readonly diversion?: readonly Diversion[];
  readonly autoAnswer?: AutoAnswerRequest | undefined;
  readonly audio: CallAudio;
  readonly kin: CallKin;
  /** It came in while both sides of another call talked. */
  readonly waiting?: boolean;
  readonly redirects?: RedirectPolicy | undefined;
  /** The page before this one had it. */
  readonly kept?: KeptCall | undefined;
  readonly signal?: AbortSignal | undefined;
}
