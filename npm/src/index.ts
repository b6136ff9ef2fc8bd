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
export {
  type AudioDevice,
  type AudioDevices,
  type AudioDevicesEventMap,
  DevicesChangeEvent,
  InputLostEvent,
  type MicrophoneTest,
} from "./sdk/audio/devices.js";
export type { LevelOptions } from "./sdk/audio/level.js";
export type { AutoAnswerPolicy, AutoAnswerRequest } from "./sdk/auto-answer.js";
export { Call } from "./sdk/call.js";
export type { AnswerOptions, CallAudio, DigitOptions, EndReason, RejectOptions } from "./sdk/call-options.js";
export { Conference, ConferenceEndedEvent, type ConferenceEventMap, ParticipantsChangeEvent } from "./sdk/conference.js";
export type { EventContent, EventContents } from "./sdk/content/index.js";
export type { DialogInfo, DialogState } from "./sdk/content/dialog-info.js";
export type { MessageCounts, MessageSummary } from "./sdk/content/message-summary.js";
export type { Presence, PresenceInit, PresenceTuple } from "./sdk/content/presence.js";
export type { DiagnoseOptions, Diagnosis, DiagnosisFinding, DiagnosisStep } from "./sdk/diagnosis.js";
export { SipError, type SipErrorInit } from "./sdk/errors.js";
export {
  type CallEventMap,
  CallEndedEvent,
  CallStateChangeEvent,
  ConnectionChangeEvent,
  DigitEvent,
  DigitSentEvent,
  HoldChangeEvent,
  CallResumedEvent,
  IncomingCallEvent,
  MediaChangeEvent,
  MuteChangeEvent,
  PlaybackBlockedEvent,
  RedirectEvent,
  RefusedCallEvent,
  RegistrationChangeEvent,
  RemoteTrackEvent,
  ReplacedEvent,
  SipErrorEvent,
  TransferProgressEvent,
  TransferRequestEvent,
  TransferWithdrawnEvent,
  TypedEventTarget,
  type UserAgentEventMap,
} from "./sdk/events.js";
export { type CallQuality, type CallQualityEventMap, type QualityGrade, QualityReportEvent, QualityWarningEvent } from "./sdk/quality/index.js";
export type { DirectionQuality, QualityReport } from "./sdk/quality/report.js";
export type { QualityWarning, QualityWarningCode } from "./sdk/quality/warnings.js";
export type { RedirectPolicy, Redirection } from "./sdk/redirection.js";
export type { ReconnectPolicy, Registration, Server, UnregisterOptions } from "./sdk/registration.js";
export { type MessageOptions, MessageReceivedEvent } from "./sdk/messages.js";
export {
  Publication,
  type PublicationEventMap,
  PublicationStateChangeEvent,
  type PublishDocument,
  type PublishOptions,
} from "./sdk/publication.js";
export type { TokenEndpoint, TokenProvider, TokenSource } from "./sdk/tokens.js";
export {
  NotifyEvent,
  type SubscribeOptions,
  Subscription,
  type SubscriptionEnd,
  SubscriptionEndedEvent,
  type SubscriptionEventMap,
  SubscriptionStateChangeEvent,
} from "./sdk/subscription.js";
export {
  Consultation,
  type TransferDecision,
  type TransferOptions,
  type TransferPolicy,
  TransferRequest,
  type TransferResult,
} from "./sdk/transfer.js";
export type { RingbackRegion } from "./sdk/ringtone.js";
export type {
  Account,
  CallEnd,
  CallState,
  ConnectionState,
  DigitMethod,
  Diversion,
  Held,
  Identity,
  OnPageHide,
  Party,
  PublicationState,
  RegistrationState,
  SipErrorCode,
  SubscriptionState,
} from "./sdk/types.js";
export type { OtherCalls } from "./sdk/waiting.js";
export { UserAgent } from "./sdk/user-agent.js";
export type { AudioOptions, CallOptions, NoAnswerTimeout, SessionTimers, UserAgentOptions, WaitOptions } from "./sdk/user-agent-options.js";
