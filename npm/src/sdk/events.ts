/**
 * The typed events of `UserAgent` and `Call`, and the event target that knows their types.
 *
 * Facts only: an event is dispatched after the state it tells of is true.
 */
import type { Call } from "./call.js";
import type { MessageReceivedEvent } from "./messages.js";
import type { SipError } from "./errors.js";
import type { Redirection } from "./redirection.js";
import type { Registration } from "./registration.js";
import { unlockTones } from "./ringtone.js";
import type { NotifyEvent } from "./subscription.js";
import type { TransferRequest } from "./transfer.js";
import type { CallEnd, CallState, ConnectionState, Held, Party, RegistrationState } from "./types.js";

/** The WebSocket to the server changed. */
export class ConnectionChangeEvent extends Event {
  constructor(
    readonly state: ConnectionState,
    /** Why there is no connection. */
    readonly error?: SipError,
    /** The close code of the connection that was lost. */
    readonly code?: number,
    /** The close reason of the connection that was lost. */
    readonly reason?: string,
    /** Milliseconds until the next attempt. */
    readonly retryIn?: number,
    /** How many attempts have failed since the last connection that lasted. */
    readonly attempt?: number,
    /** The server that is connected, or was. */
    readonly server?: string,
  ) {
    super("connectionchange");
  }
}

/** The registration changed. */
export class RegistrationChangeEvent extends Event {
  readonly state: RegistrationState;
  /** Seconds that the server granted. */
  readonly expires?: number;
  /** Why it failed. */
  readonly error?: SipError;

  constructor(
    /** All that is known of it. */
    readonly registration: Registration,
  ) {
    super("registrationchange");
    this.state = registration.state;
    if (registration.expires !== undefined) this.expires = registration.expires;
    if (registration.error) this.error = registration.error;
  }
}

/** Somebody calls. */
export class IncomingCallEvent extends Event {
  constructor(readonly call: Call) {
    super("incomingcall");
  }
}

/** Somebody called and was refused without ringing. */
export class RefusedCallEvent extends Event {
  constructor(
    /** Who called. */
    readonly remote: Party,
    /** Whom they called. */
    readonly local: Party,
    /** Why: as many calls as there may be, or the page is not to be disturbed. */
    readonly cause: "busy" | "do-not-disturb",
    /** The SIP status that the caller got. */
    readonly status: number,
    /** The headers of the INVITE. */
    readonly headers: readonly (readonly [string, string])[],
  ) {
    super("refusedcall");
  }
}

/** A call of the page before this one is being taken back: show it. It is `reconnecting`, then `active` or `ended`. */
export class CallResumedEvent extends Event {
  constructor(readonly call: Call) {
    super("resumed");
  }
}

/** Something failed that no promise and no call reports, such as loading the core. */
export class SipErrorEvent extends Event {
  constructor(readonly error: SipError) {
    super("error");
  }
}

/** The browser plays no sound before the person touches the page: offer a button that calls `unlock()`. */
export class PlaybackBlockedEvent extends Event {
  constructor(readonly call?: Call) {
    super("playbackblocked");
  }

  /** Plays what was held back; call it inside a click. */
  async resume(): Promise<void> {
    await Promise.all([unlockTones(), this.call?.unlock()]);
  }
}

/** A call changed its state. */
export class CallStateChangeEvent extends Event {
  constructor(
    readonly state: CallState,
    readonly previous: CallState,
    /** The SIP status that caused it. */
    readonly status?: number,
  ) {
    super("statechange");
  }
}

/** The microphone of a call was muted or unmuted. */
export class MuteChangeEvent extends Event {
  constructor(readonly muted: boolean) {
    super("mutechange");
  }
}

/** A digit left. */
export class DigitSentEvent extends Event {
  constructor(readonly digit: string) {
    super("digitsent");
  }
}

/** The other side pressed a digit. */
export class DigitEvent extends Event {
  constructor(
    readonly digit: string,
    /** How long it sounded, in milliseconds. */
    readonly duration: number,
  ) {
    super("digit");
  }
}

/** Who holds whom changed. */
export class HoldChangeEvent extends Event {
  constructor(readonly held: Held) {
    super("holdchange");
  }
}

/** The peer connection of a call changed. */
export class MediaChangeEvent extends Event {
  constructor(readonly state: RTCPeerConnectionState) {
    super("mediachange");
  }
}

/** The other side's sound is there. */
export class RemoteTrackEvent extends Event {
  constructor(readonly stream: MediaStream) {
    super("remotetrack");
  }
}

/** A transfer that this page asked for goes on. */
export class TransferProgressEvent extends Event {
  constructor(
    /** `accepted`: the other side agreed. `progress`: its call has come so far. */
    readonly state: "accepted" | "progress",
    /** The SIP status of the new call. */
    readonly status?: number,
  ) {
    super("transferprogress");
  }
}

/** The other side asks this page to call somebody in place of this call. */
export class TransferRequestEvent extends Event {
  constructor(readonly request: TransferRequest) {
    super("transferrequest");
  }
}

/** The other side does not ask for a transfer any more: it hung up, or waited two minutes. */
export class TransferWithdrawnEvent extends Event {
  constructor() {
    super("transferwithdrawn");
  }
}

/** A call of this page is sent elsewhere. */
export class RedirectEvent extends Event {
  constructor(
    /** Where, and by which status. */
    readonly redirection: Redirection,
    /** The policy lets it go there; otherwise the call ends. */
    readonly followed: boolean,
  ) {
    super("redirect");
  }
}

/** Somebody else took the place of the other side, and the call goes on with them. */
export class ReplacedEvent extends Event {
  constructor(readonly remote: Party, readonly previous: Party) {
    super("replaced");
  }
}

/** A call is over. Its last event, and never missing. */
export class CallEndedEvent extends Event {
  constructor(readonly end: CallEnd) {
    super("ended");
  }
}

/** The events of a `UserAgent`. */
export interface UserAgentEventMap {
  connectionchange: ConnectionChangeEvent;
  registrationchange: RegistrationChangeEvent;
  incomingcall: IncomingCallEvent;
  resumed: CallResumedEvent;
  refusedcall: RefusedCallEvent;
  message: MessageReceivedEvent;
  /** The server tells a registered page of its voice mail without a subscription. */
  notify: NotifyEvent<"message-summary">;
  playbackblocked: PlaybackBlockedEvent;
  error: SipErrorEvent;
}

/** The events of a `Call`. */
export interface CallEventMap {
  statechange: CallStateChangeEvent;
  mutechange: MuteChangeEvent;
  holdchange: HoldChangeEvent;
  digitsent: DigitSentEvent;
  digit: DigitEvent;
  mediachange: MediaChangeEvent;
  remotetrack: RemoteTrackEvent;
  transferprogress: TransferProgressEvent;
  transferrequest: TransferRequestEvent;
  transferwithdrawn: TransferWithdrawnEvent;
  replaced: ReplacedEvent;
  redirect: RedirectEvent;
  message: MessageReceivedEvent;
  playbackblocked: PlaybackBlockedEvent;
  ended: CallEndedEvent;
}

/** @internal The types of a call's events. */
export const CALL_EVENT_TYPES: readonly (keyof CallEventMap)[] = [
  "statechange", "mutechange", "holdchange", "digitsent", "digit", "mediachange", "remotetrack", "playbackblocked", "message",
  "transferprogress", "transferrequest", "transferwithdrawn", "replaced", "redirect", "ended",
];

type Listener<E> = ((event: E) => void) | { handleEvent(event: E): void };

/** An `EventTarget` whose listeners are typed by the map `M`, with `on`, `once` and `off` beside the DOM's names. */
export class TypedEventTarget<M extends object> extends EventTarget {
  override addEventListener<K extends keyof M & string>(
    type: K,
    listener: Listener<M[K]> | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void {
    super.addEventListener(type, listener, options);
  }

  override removeEventListener<K extends keyof M & string>(
    type: K,
    listener: Listener<M[K]> | null,
    options?: boolean | EventListenerOptions,
  ): void;
  override removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
  override removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void {
    super.removeEventListener(type, listener, options);
  }

  /** `addEventListener` in short, for chaining; an abort of `options.signal` ends it. */
  on<K extends keyof M & string>(type: K, listener: (event: M[K]) => void, options?: AddEventListenerOptions): this {
    this.addEventListener(type, listener, options);
    return this;
  }

  /** Like `on`, for the next event only. */
  once<K extends keyof M & string>(type: K, listener: (event: M[K]) => void, options?: AddEventListenerOptions): this {
    this.addEventListener(type, listener, { ...options, once: true });
    return this;
  }

  /** `removeEventListener` in short. */
  off<K extends keyof M & string>(type: K, listener: (event: M[K]) => void): this {
    this.removeEventListener(type, listener);
    return this;
  }
}
