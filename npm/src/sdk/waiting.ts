/** What happens to the calls in which both sides talk when another one is answered. */
import type { Call } from "./call.js";

/** They go on, are held, or are hung up. */
export type OtherCalls = "keep" | "hold" | "hangup";

/** @internal `answered` is about to be answered. */
export function leaveOthers(answered: Call, all: readonly Call[], others: OtherCalls): void {
  const talking = all.filter((call) => call !== answered && call.state === "active");
  if (others === "hangup") talking.forEach((call) => { call.hangUp(); });
  if (others === "hold") talking.filter((call) => !call.held.local).forEach(hold);
}

/** Who does not let itself be held is not to hear the new call. */
function hold(call: Call): void {
  call.hold().catch(() => { if (call.state === "active") call.mute(); });
}
