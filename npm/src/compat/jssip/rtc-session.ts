/** `JsSIP.RTCSession` over a `Call`: the methods and events that pages use, in JsSIP's order. */
import { type Call, type CallEnd, SipError, type TransferRequest } from "../../index.js";
import { headerPairs, NameAddrHeader, Request } from "./address.js";
import { PendingConnection } from "./connection.js";
import { causeOf, causeOfEnd, type Originator, STATUS } from "./constants.js";
import { Emitter, type Listener } from "./emitter.js";

/** `session.answer()`'s options. */
export interface AnswerOptions {
  mediaStream?: MediaStream;
  mediaConstraints?: MediaStreamConstraints;
  pcConfig?: RTCConfiguration;
  extraHeaders?: string[];
}

/** `session.terminate()`'s options. */
export interface TerminateOptions {
  status_code?: number;
  reason_phrase?: string;
}

/** `session.sendDTMF()`'s options. */
export interface DtmfOptions {
  duration?: number;
  interToneGap?: number;
  transportType?: "INFO" | "RFC2833";
}

/** `session.refer()`'s options. */
export interface ReferOptions {
  replaces?: RTCSession;
  extraHeaders?: string[];
  eventHandlers?: Record<string, Listener>;
}

/** A call in JsSIP's clothes. */
export class RTCSession extends Emitter {
  static readonly C = STATUS;
  readonly id = crypto.randomUUID();
  /** For the page. */
  data: Record<string, unknown> = {};
  readonly #call: Call;
  readonly #pending = new PendingConnection();
  readonly #request: Request;
  #wasAccepted = false;
  #isClosed = false;
  #cause: string | undefined;

  /** @internal Use `ua.call()`, or take it from `newRTCSession`. */
  constructor(call: Call, request: Request) {
    super();
    this.#call = call;
    this.#request = request;
    call
      .on("statechange", ({ state, status }) => { this.#enter(state, status); })
      .on("mediachange", () => { this.#connect(); })
      .on("remotetrack", ({ stream }) => { this.#connect(); this.#pending.play(stream); })
      .on("mutechange", ({ muted }) => { this.emit(muted ? "muted" : "unmuted", { audio: true, video: false }); })
      .on("holdchange", ({ held }) => { this.#hold(held); })
      .on("digitsent", ({ digit }) => { this.#dtmf("local", digit, 100); })
      .on("digit", ({ digit, duration }) => { this.#dtmf("remote", digit, duration); })
      .on("transferrequest", ({ request: asked }) => { this.#refer(asked); })
      .on("ended", ({ end }) => { this.#end(end); });
  }

  /** @internal */
  get call(): Call {
    return this.#call;
  }

  /** JsSIP's number for where the call stands. */
  get status(): number {
    const { state, direction } = this.#call;
    const waiting = direction === "incoming" ? STATUS.STATUS_WAITING_FOR_ANSWER : STATUS.STATUS_1XX_RECEIVED;
    return { new: STATUS.STATUS_NULL, calling: STATUS.STATUS_INVITE_SENT, ringing: waiting, early: waiting, reconnecting: STATUS.STATUS_INVITE_SENT, active: STATUS.STATUS_CONFIRMED, ended: STATUS.STATUS_TERMINATED }[state];
  }

  get direction(): "incoming" | "outgoing" {
    return this.#call.direction;
  }

  get connection(): RTCPeerConnection | PendingConnection {
    return this.#call.peerConnection ?? this.#pending;
  }

  get local_identity(): NameAddrHeader {
    return NameAddrHeader.of(this.#call.local);
  }

  get remote_identity(): NameAddrHeader {
    return NameAddrHeader.of(this.#call.remote);
  }

  get start_time(): Date | null {
    return this.#call.answeredAt ?? null;
  }

  get end_time(): Date | null {
    return this.#call.endedAt ?? null;
  }

  get cause(): string | undefined {
    return this.#cause;
  }

  isInProgress(): boolean {
    return this.#call.state === "ringing" || this.#call.state === "early" || this.#call.state === "calling";
  }

  isEstablished(): boolean {
    return this.#call.state === "active";
  }

  isEnded(): boolean {
    return this.#isClosed;
  }

  isMuted(): { audio: boolean; video: boolean } {
    return { audio: this.#call.muted, video: false };
  }

  isOnHold(): { local: boolean; remote: boolean } {
    return this.#call.held;
  }

  answer({ mediaStream, extraHeaders }: AnswerOptions = {}): void {
    this.#call.answer({ headers: headerPairs(extraHeaders), ...(mediaStream && { stream: mediaStream }) });
    this.emit("peerconnection", { peerconnection: this.connection });
  }

  terminate({ status_code: status }: TerminateOptions = {}): void {
    if (status !== undefined && this.direction === "incoming" && this.#call.state === "ringing") this.#call.reject(status);
    else this.#call.hangUp();
  }

  /** Returns whether it could be asked for, as in JsSIP; `done` is called when the other side has agreed. */
  hold(...[, done]: [options?: object, done?: () => void]): boolean {
    return this.#change(() => this.#call.hold(), done);
  }

  unhold(...[, done]: [options?: object, done?: () => void]): boolean {
    return this.#change(() => this.#call.resume(), done);
  }

  mute({ audio = true }: { audio?: boolean; video?: boolean } = {}): void {
    if (audio) this.#call.mute();
  }

  unmute({ audio = true }: { audio?: boolean; video?: boolean } = {}): void {
    if (audio) this.#call.unmute();
  }

  sendDTMF(tones: string | number, { duration = 100, interToneGap: gap = 500, transportType = "INFO" }: DtmfOptions = {}): void {
    const method = transportType === "RFC2833" ? "rtp" : "info-relay";
    void this.#call.dtmf(String(tones), { duration, gap, method }).catch(() => undefined);
  }

  /** Transfers: to an address, or with `replaces` to the other side of another session. */
  refer(target: string | { toString(): string }, { replaces, extraHeaders, eventHandlers = {} }: ReferOptions = {}): Emitter {
    const subscriber = new Emitter();
    Object.entries(eventHandlers).forEach(([type, listener]) => { subscriber.on(type, listener); });
    this.#call.on("transferprogress", ({ state, status }) => { subscriber.emit(state === "accepted" ? "requestSucceeded" : "trying", { status_line: { status_code: status } }); });
    this.#call.transfer(replaces ? replaces.call : String(target), { headers: headerPairs(extraHeaders), hold: false }).then(
      ({ status }) => { subscriber.emit("accepted", { status_line: { status_code: status } }); },
      (error: unknown) => { subscriber.emit("failed", { cause: causeOf(SipError.from(error)) }); },
    );
    return subscriber;
  }

  /** @internal What JsSIP tells before anything is sent. */
  begin(): void {
    this.emit("peerconnection", { peerconnection: this.connection });
    this.emit("connecting", { request: this.#request });
  }

  #enter(state: Call["state"], status: number | undefined): void {
    this.#connect();
    const isOutgoing = this.direction === "outgoing";
    const response = { status_code: status ?? 200, reason_phrase: "" };
    if (state === "calling") this.emit("sending", { request: this.#request });
    else if (state === "ringing" || state === "early") this.emit("progress", { originator: isOutgoing ? "remote" : "local", response: isOutgoing ? response : null });
    else if (state === "active") this.#accepted(isOutgoing ? "remote" : "local", response);
  }

  #accepted(originator: Originator, response: object): void {
    this.#wasAccepted = true;
    this.emit("accepted", { originator, response });
    this.emit("confirmed", { originator: originator === "remote" ? "local" : "remote", response: null });
  }

  #connect(): void {
    const real = this.#call.peerConnection;
    if (real) this.#pending.connect(real);
  }

  #held: { local: boolean; remote: boolean } = { local: false, remote: false };

  #hold(held: { local: boolean; remote: boolean }): void {
    for (const originator of ["local", "remote"] as const) {
      if (held[originator] !== this.#held[originator]) this.emit(held[originator] ? "hold" : "unhold", { originator });
    }
    this.#held = held;
  }

  #change(ask: () => Promise<void>, done: (() => void) | undefined): boolean {
    if (!this.isEstablished()) return false;
    ask().then(done, () => undefined);
    return true;
  }

  #dtmf(originator: Originator, tone: string, duration: number): void {
    this.emit("newDTMF", { originator, dtmf: { tone, duration }, request: this.#request });
  }

  #refer(asked: TransferRequest): void {
    const request = { refer_to: NameAddrHeader.of({ uri: asked.target }) };
    const isHeard = this.emit("refer", { request, accept: () => { asked.accept(); }, reject: () => { asked.reject(); } });
    if (!isHeard) asked.reject();
  }

  #end(end: CallEnd): void {
    this.#isClosed = true;
    this.#cause = causeOfEnd(end, this.#wasAccepted);
    if (end.error?.code.startsWith("MIC_")) this.emit("getusermediafailed", { message: end.error.message });
    const isResponse = end.by === "remote" && this.direction === "outgoing" && !this.#wasAccepted;
    const message = !isResponse || end.status === undefined ? null : { status_code: end.status, reason_phrase: end.reason };
    this.emit(this.#wasAccepted ? "ended" : "failed", { originator: end.by, message, response: message, cause: this.#cause });
  }
}
