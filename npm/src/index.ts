/**
 * Switchhook: make and take phone calls from a web page.
 *
 * ```ts
 * const ua = new UserAgent({ server: "wss://relay.example.com/sip", account: { uri: "sip:alice@example.com", password } });
 * const call = ua.call("sip:bob@example.com");
 * await call.answered;
 * ```
 *
 * Importing this does nothing and is safe on a server; WebAssembly is fetched when a `UserAgent` first needs it.
 */
export { configure, type Configuration } from "./load.js";
export { Call, type AnswerOptions, type CallAudio, type DigitOptions } from "./sdk/call.js";
export { SipError, type SipErrorInit } from "./sdk/errors.js";
export {
  type CallEventMap,
  CallEndedEvent,
  CallStateChangeEvent,
  ConnectionChangeEvent,
  DigitSentEvent,
  IncomingCallEvent,
  MediaChangeEvent,
  MuteChangeEvent,
  PlaybackBlockedEvent,
  RegistrationChangeEvent,
  RemoteTrackEvent,
  SipErrorEvent,
  TypedEventTarget,
  type UserAgentEventMap,
} from "./sdk/events.js";
export type { ReconnectPolicy, Registration, Server, UnregisterOptions } from "./sdk/registration.js";
export type { RingbackRegion } from "./sdk/ringtone.js";
export type {
  Account,
  CallEnd,
  CallState,
  ConnectionState,
  OnPageHide,
  Party,
  RegistrationState,
  SipErrorCode,
} from "./sdk/types.js";
export {
  type AudioOptions,
  type CallOptions,
  UserAgent,
  type UserAgentOptions,
} from "./sdk/user-agent.js";
