/** The classes of the elements; importing them registers nothing. */
export { CallButton } from "./call-button.js";
export type { CallPhase } from "./call-store.js";
export { CallEndEvent, CallErrorEvent, CallRequestEvent, CallStartEvent } from "./events.js";
export { WebPhone } from "./web-phone.js";
