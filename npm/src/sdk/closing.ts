/** What the end of a user agent needs: when it is done, and what is said afterwards. */
import { SipError } from "./errors.js";
import type { Registration } from "./registration.js";

/** Does a server know this page, or is it about to? */
export function isRegistered({ state }: Registration): boolean {
  return state === "registered" || state === "registering";
}

/** Fulfilled after so long. */
export function expired(milliseconds: number): Promise<void> {
  return new Promise((resolve) => { setTimeout(resolve, milliseconds); });
}

/** A command to a user agent that is closed. */
export function closedError(): SipError {
  return new SipError({ code: "DISPOSED", message: "This user agent was closed. Make a new one.", fatal: true });
}
