/**
 * The plain data of the border, under the names the SDK shows.
 *
 * Generated from Rust, only passed on here: no type is written down twice.
 */
export type {
  Account,
  CallState,
  ConnectionState,
  DigitMethod,
  Diversion,
  ErrorInfo,
  Identity,
  OnPageHide,
  Party,
  PublicationState,
  RegistrationState,
  SubscriptionState,
} from "../../wasm/switchhook_core.js";
import type { EndedBy, ErrorCode } from "../../wasm/switchhook_core.js";
import type { SipError } from "./errors.js";

/**
 * What happened, for programs. Stable: a code is never given another meaning.
 *
 * The core's codes, and three that arise before there is a core: `WASM_BLOCKED` (the page's policy),
 * `WASM_UNAVAILABLE` (the file did not come), `INTERNAL` (a fault of this package: please report it).
 */
export type SipErrorCode = ErrorCode | "WASM_BLOCKED" | "WASM_UNAVAILABLE" | "INTERNAL";

/** Who holds whom in a call. */
export interface Held {
  /** This page holds the other side: it hears nothing of the microphone. */
  readonly local: boolean;
  /** The other side holds this page: it wants no sound, but may send some (music on hold). */
  readonly remote: boolean;
}

/** How a call ended. */
export interface CallEnd {
  /** Who ended it; `system` is neither side: a time-out, a lost connection, a missing microphone. */
  readonly by: EndedBy;
  /** The SIP status, where there was one. */
  readonly status?: number;
  /** The reason in the other side's words; may be empty. */
  readonly reason: string;
  /** The Q.850 cause, where there was one. */
  readonly q850?: number;
  /** Another phone of the account took the call (RFC 3326): no missed call. */
  readonly answeredElsewhere?: boolean;
  /** What went wrong; none after a normal call and after one's own hang-up. */
  readonly error?: SipError;
}
