/** Ends of calls, and commands that come too early or too late, as errors. */
import type { Call } from "./call.js";
import { SipError } from "./errors.js";
import type { EventOf } from "./listeners.js";
import type { CallEnd } from "./types.js";

/** How a call ended, as the core tells it. */
export function endOf({ end: { error, ...end } }: EventOf<"callEnded">, { direction, answeredAt }: Call): CallEnd {
  if (error) return { ...end, error: SipError.fromInfo(error, end.reason) };
  // A caller who gives up names no success, unless somebody else had it (RFC 3326 §2).
  const isElsewhere = direction === "incoming" && !answeredAt && end.by === "remote" && end.status === 200;
  return isElsewhere ? { ...end, answeredElsewhere: true } : end;
}

/** What `answered` is rejected with where nothing went wrong. */
export function cancelled(end: CallEnd): SipError {
  const message = end.by === "remote" ? "The caller hung up before you answered." : "The call was ended before it was answered.";
  return new SipError({ code: "CANCELLED", message, reason: end.reason });
}

/** A command that does not fit the moment. */
export function wrongState(message: string): SipError {
  return new SipError({ code: "WRONG_STATE", message });
}
