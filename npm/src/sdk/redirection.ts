/** Calls that are sent elsewhere (RFC 3261 §21.3): what a page may say about it. */
import type { Call } from "./call.js";
import { RedirectEvent } from "./events.js";

/** Where a call is to go instead. */
export interface Redirection {
  /** The addresses, the most wanted first. They are called one after the other, until one answers. */
  readonly targets: readonly string[];
  /** The SIP status: 301 (moved for good), 302 (for now). */
  readonly status: number;
}

/** Go there, or end the call. A function decides for each. */
export type RedirectPolicy = "follow" | "refuse" | ((redirection: Redirection) => boolean);

/** @internal Whether a call goes elsewhere: its policy says so, and its listeners hear of it. */
export function decide(call: Call, policy: RedirectPolicy, { targets, status }: Redirection): boolean {
  const redirection = { targets, status };
  const followed = follows(policy, redirection);
  call.dispatchEvent(new RedirectEvent(redirection, followed));
  return followed;
}

/** What a policy says; one that throws refuses. */
function follows(policy: RedirectPolicy, redirection: Redirection): boolean {
  if (typeof policy === "string") return policy === "follow";
  try {
    return policy(redirection);
  } catch (thrown) {
    reportError(thrown);
    return false;
  }
}
