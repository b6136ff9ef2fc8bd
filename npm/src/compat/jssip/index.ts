/**
 * For pages that were written for JsSIP: the same names over Switchhook.
 *
 * ```ts
 * import * as JsSIP from "switchhook/compat/jssip";
 * ```
 *
 * What pages use, not all there is: docs/sdk/from-jssip.md has the table.
 */
export { NameAddrHeader, URI } from "./address.js";
export { C } from "./constants.js";
export { type AnswerOptions, type DtmfOptions, type ReferOptions, RTCSession, type TerminateOptions } from "./rtc-session.js";
export { type CallOptions, UA, type UAConfiguration, WebSocketInterface } from "./ua.js";

/** JsSIP's logger, which pages switch on and off. It says nothing here. */
export const debug = {
  enable(): void { /* Events tell everything; there is no second log. */ },
  disable(): void { /* Nothing was enabled. */ },
  enabled(): boolean { return false; },
};

/** `JsSIP.version`, for pages that look. */
export const version = "3.13.8-switchhook";
/** `JsSIP.name`. */
export const name = "JsSIP";
