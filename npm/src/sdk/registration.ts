/** Where a user agent connects to, when again, and what its registration is: the words, without any deed. */
import type { SipError } from "./errors.js";
import type { RegistrationState } from "./types.js";

/** One of several servers. */
export interface Server {
  /** Its WebSocket: `wss://sip.example.com/sip`, or a path on the page's own host, such as `/sip`. */
  url: string | URL;
  /** The heaviest is tried first; those of one weight in any order. Default 1. */
  weight?: number;
}

/**
 * How long to wait before another attempt to connect, in milliseconds; `null` gives up, until `connect()` or a call.
 * `attempt` counts from 1 since the last connection that lasted. `undefined` leaves it to the default: 300 ms, doubled
 * with each round in which no server served, up to 30 s, and half of each wait drawn by lot (RFC 5626 §4.5).
 */
export type ReconnectPolicy = (attempt: number, lastError: SipError | undefined) => number | null | undefined;

/** A registration as it stands. */
export interface Registration {
  readonly state: RegistrationState;
  /** Seconds that the server granted; it is renewed before. */
  readonly expires?: number;
  /** An address that always leads to this user agent, whatever its connection (GRUU, RFC 5627). */
  readonly publicGruu?: string;
  /** The same without the account's name; a new one with each renewal. */
  readonly temporaryGruu?: string;
  /** The proxies that calls and messages pass, nearest first (RFC 3608). */
  readonly serviceRoute?: readonly string[];
  /** Does the server know this connection as a flow, which a later one of this tab replaces (RFC 5626)? */
  readonly outbound?: boolean;
  /** Seconds of silence after which the server takes the connection for dead (`Flow-Timer`). */
  readonly flowTimer?: number;
  /** Why it failed. */
  readonly error?: SipError;
  /** Milliseconds until the next attempt, where one follows by itself. */
  readonly retryIn?: number;
}

/** How to withdraw a registration. */
export interface UnregisterOptions {
  /** Withdraw those of all other phones of the account, too (`Contact: *`)? */
  all?: boolean;
}
