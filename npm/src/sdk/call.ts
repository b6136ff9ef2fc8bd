/**
 * One call, from the moment it is wanted to its end.
 * It shows what the core says is true and passes commands on. It plays the other side's sound and the ringback tone.
 * SIP is decided in the core, which it reaches through the driver only.
 */
import { setOwnSound } from "./audio/microphone.js";
import type { AutoAnswerRequest } from "./auto-answer.js";
import { cancelled, endOf, wrongState } from "./call-end.js";
import type { AnswerOptions, CallInit, DigitOptions, EndReason, RejectOptions } from "./call-options.js";
import { type Conference, conferenceOf, merge } from "./conference.js";
import { deferred } from "./deferred.js";
import { defined } from "./defined.js";
import { Dialling } from "./dialling.js";
import { dispose } from "./dispose.js";
import type { CallFact, CallListener, Driver, EventOf } from "./driver.js";
import { SipError } from "./errors.js";
import {
  CALL_EVENT_TYPES, type CallEventMap, CallEndedEvent, CallStateChangeEvent, DigitEvent, DigitSentEvent, HoldChangeEvent, MediaChangeEvent,
  MuteChangeEvent, PlaybackBlockedEvent, RemoteTrackEvent, ReplacedEvent, TransferWithdrawnEvent, TypedEventTarget,
} from "./events.js";
import { Holding } from "./holding.js";
import { iterate } from "./iterate.js";
import { type KeptCall, keptOf, recalled } from "./kept-calls.js";
import { type MessageOptions, MessageReceivedEvent, sendMessage } from "./messages.js";
import { CallQuality } from "./quality/index.js";
import { decide, type RedirectPolicy } from "./redirection.js";
import { RemoteAudio } from "./remote-audio.js";
import { Ringing } from "./ringing.js";
import { type CallKin, consider, Consultation, transfer, type TransferOptions, type TransferResult } from "./transfer.js";
import type { CallEnd, CallState, Diversion, Held, Identity, Party } from "./types.js";
import type { CallOptions } from "./user-agent-options.js";
import { leaveOthers } from "./waiting.js";

/** A telephone call. */
export class Call extends TypedEventTarget<CallEventMap> {
  /** Who began it. */
  readonly direction: "outgoing" | "incoming";
  /** Whom an incoming call was for; who an outgoing call is from, where the account says so. */
  readonly local: Party | undefined;
  /** Who calls: of an incoming call, as far as the server knows. */
  readonly identity: Identity | undefined;
  /** By whom an incoming call was sent here, the latest first. */
  readonly diversion: readonly Diversion[];
  /** The headers of an incoming INVITE that `receivedHeaders` names. */
  readonly headers: readonly (readonly [string, string])[];
  /** What an incoming call asks for that wants to be answered by itself. */
  readonly autoAnswer: AutoAnswerRequest | undefined;
  /** Did it come in while both sides of another call talked? */
  readonly waiting: boolean;
  /** When it was made or came in. */
  readonly startedAt: Date;

  readonly #driver: Driver;
  readonly #kin: CallKin;
  readonly #listener: CallListener;
  readonly #audio: RemoteAudio | undefined;
  readonly #ringing: Ringing;
  readonly #redirects: RedirectPolicy;
  readonly #answered = deferred<undefined>();
  readonly #ended = deferred<CallEnd>();
  readonly #over = new AbortController();
  readonly #holding = new Holding();
  readonly #dialling = new Dialling();
  #state: CallState = "new";
  #remote: Party;
  #muted = false;
  #held: Held = { local: false, remote: false };
  #answeredAt: Date | undefined;
  #endedAt: Date | undefined;
  #quality: CallQuality | undefined;
  #kept: KeptCall | undefined;

  /** @internal Use `UserAgent.call()`, or take it from an `incomingcall` event. */
  constructor(driver: Driver, init: CallInit) {
    super();
    this.direction = init.direction;
    this.local = init.local;
    this.headers = init.headers ?? [];
    this.identity = init.identity;
    this.diversion = init.diversion ?? [];
    this.autoAnswer = init.autoAnswer;
    this.waiting = init.waiting ?? false;
    this.#remote = init.remote;
    this.startedAt = new Date(init.kept?.startedAt ?? Date.now());
    this.#kept = init.kept;
    if (init.kept) [this.#state, this.#answeredAt, this.#muted, this.#held] = recalled(init.kept);
    this.#driver = driver;
    this.#kin = init.kin;
    this.#listener = {
      handleFact: (fact) => { this.#handleFact(fact); },
      handleFailure: (error) => { this.#finish({ by: "system", reason: error.reason ?? "", error }); },
    };
    const { element } = init.audio;
    this.#audio = element === false ? undefined : new RemoteAudio(element, () => { this.#reportBlocked(); });
    this.#ringing = new Ringing(init, () => { this.#reportBlocked(); });
    this.#redirects = init.redirects ?? "follow";
    this.#follow(init.signal);
  }

  /** @internal What the driver tells this call's facts to. */
  get listener(): CallListener {
    return this.#listener;
  }

  /** @internal What the page after this one needs to take it back; none before the answer and after the end. */
  get kept(): KeptCall | undefined {
    return this.#state === "reconnecting" ? this.#kept : keptOf(this, this.#driver.dialog(this.#listener));
  }

  /** @internal Does it ring, with nothing said yet? */
  get isUndecided(): boolean {
    return this.#state === "ringing" && !this.#ringing.isDecided;
  }

  /** Where it stands: `new`, `calling`, `ringing`, `early` (they send sound, but did not answer), `reconnecting` (after a reload), `active`, `ended`. */
  get state(): CallState {
    return this.#state;
  }

  /** The other side. */
  get remote(): Party {
    return this.#remote;
  }

  /** Is the microphone muted? */
  get muted(): boolean {
    return this.#muted;
  }

  /** Who holds whom. True facts: changed when both sides have agreed. */
  get held(): Held {
    return this.#held;
  }

  /** When both sides began to talk. */
  get answeredAt(): Date | undefined {
    return this.#answeredAt;
  }

  /** When it ended. */
  get endedAt(): Date | undefined {
    return this.#endedAt;
  }

  /** Milliseconds of conversation, up to now or to the end; 0 before the answer. */
  get duration(): number {
    if (!this.#answeredAt) return 0;
    return (this.#endedAt ?? new Date()).getTime() - this.#answeredAt.getTime();
  }

  /** Fulfilled when the call is answered; rejected with a `SipError` when it ends before. Need not be awaited. */
  get answered(): Promise<void> {
    return this.#answered.promise;
  }

  /** Fulfilled when the call is over, whatever the reason. Never rejected. */
  get ended(): Promise<CallEnd> {
    return this.#ended.promise;
  }

  /** What the other side sends. */
  get remoteStream(): MediaStream | undefined {
    return this.#driver.remoteStream(this.#listener);
  }

  /** What this side sends. */
  get localStream(): MediaStream | undefined {
    return this.#driver.localStream(this.#listener);
  }

  /** The browser's peer connection, for statistics. What you change there, you change behind the call's back. */
  get peerConnection(): RTCPeerConnection | undefined {
    return this.#driver.peerConnection(this.#listener);
  }

  /** How it sounds: loss, jitter, delay and a mark each second, and warnings that say whose line is bad. */
  get quality(): CallQuality {
    return (this.#quality ??= new CallQuality(this));
  }

  /** Answers an incoming call. */
  answer(options: AnswerOptions = {}): void {
    const { signal, others = "keep", ...rest } = options;
    if (this.direction === "outgoing") throw wrongState("An outgoing call is answered by the other side.");
    this.#follow(signal);
    if (signal?.aborted) return;
    if (this.isUndecided) leaveOthers(this, this.#kin.all(), others);
    this.#ringing.decide();
    setOwnSound(this, rest.stream);
    this.#driver.answer(this.#listener, rest);
  }

  /** Declines an incoming call: 486 (busy here) unless you name another status, such as 603 (declined everywhere). */
  reject(how: number | RejectOptions = {}): void {
    if (this.direction === "outgoing") throw wrongState("An outgoing call is ended with hangUp().");
    this.#ringing.decide();
    const { status = 486, text, q850 } = typeof how === "number" ? { status: how } : how;
    this.#driver.reject(this.#listener, status, defined({ text, q850 }));
  }

  /** Has the caller, or its server, call a number or an address instead, or several, the most wanted first (302; 301: for good). */
  redirect(targets: string | readonly string[], { status = 302 }: { status?: number } = {}): void {
    if (this.direction === "outgoing") throw wrongState("An outgoing call is sent elsewhere with transfer().");
    this.#ringing.decide();
    this.#driver.reject(this.#listener, status, { targets: typeof targets === "string" ? [targets] : [...targets] });
  }

  /** Ends the call in whatever state it is: cancels, declines or hangs up. Does nothing when it is over; throws where the reason is none. */
  hangUp({ text, q850 }: EndReason = {}): void {
    this.#ringing.decide();
    if (this.#driver.knows(this.#listener)) this.#driver.hangUp(this.#listener, defined({ text, q850 }));
    else this.#finish({ by: "local", reason: "" });
  }

  /** Sends silence until `unmute()`. */
  mute(): void {
    this.#driver.setMuted(this.#listener, true);
  }

  /** Sends the microphone again. */
  unmute(): void {
    this.#driver.setMuted(this.#listener, false);
  }

  /**
   * Holds the other side: it hears nothing of the microphone, and sends nothing. Fulfilled once it has agreed; rejected
   * with a `SipError` when it refuses, and then everything is as before. One after the other with `resume()`.
   */
  hold(): Promise<void> {
    return this.#setHeld(true);
  }

  /** Ends a hold of ours; the other side's own hold stays. Fulfilled and rejected like `hold()`. */
  resume(): Promise<void> {
    return this.#setHeld(false);
  }

  /** Looks for another network path (RFC 8445 §9); the sound goes on, `mediachange` tells. Throws while a hold is being agreed on. */
  restartIce(): void {
    if (this.#state !== "active") throw wrongState("A call's sound has a path once it is answered, until it ends.");
    this.peerConnection?.restartIce();
    this.#driver.renegotiate(this.#listener);
  }

  /**
   * Sends digits: `0-9`, `A-D`, `*` and `#`; a comma pauses for two seconds, a `w` for half a second. Throws when the
   * digits are none or nobody is there to hear them. Fulfilled when all have left, rejected with a `SipError` when one
   * could not; need not be awaited.
   */
  dtmf(digits: string, options: DigitOptions = {}): Promise<void> {
    if (this.#state === "ended") throw wrongState("The call is over.");
    const { method = "auto", duration = 100, gap = 70 } = options;
    return this.#dialling.dial(digits, () => { this.#driver.sendDigits(this.#listener, digits, method, duration, gap); });
  }

  /** The same as `dtmf()`. */
  sendDigits(digits: string, options: DigitOptions = {}): void {
    void this.dtmf(digits, options);
  }

  /** Sends a text inside the call (RFC 3428 §1). Fulfilled when the other side has it; rejected with a `SipError`. */
  async message(body: string | Uint8Array, options: MessageOptions = {}): Promise<void> {
    if (this.#state === "ended") throw wrongState("The call is over.");
    await sendMessage(this.#driver, this.#listener, body, options);
  }

  /**
   * Connects the other side with `target`: a number, an address, or another call of this page that is answered. Fulfilled
   * when they talk to each other, and this call is hung up; rejected with a `SipError` when that fails, and this call
   * goes on.
   */
  transfer(target: string | Call, options: TransferOptions = {}): Promise<TransferResult> {
    const to = typeof target === "string" ? target : target.#listener;
    return transfer(this, (core, listener) => { this.#driver.transfer(this.#listener, to, core, listener); }, options);
  }

  /** Holds this call and calls somebody to ask first: `complete()` transfers to them, `cancel()` comes back. */
  consult(target: string, options: CallOptions = {}): Consultation {
    if (this.#state !== "active") throw wrongState("Somebody can be consulted while both sides talk.");
    return new Consultation(this, this.#kin.call(target, options), target);
  }

  /** The conference it is in. */
  get conference(): Conference | undefined {
    return conferenceOf(this);
  }

  /** Joins this call and another, so that all three hear each other; into the conference that one of them is in. */
  merge(other: Call): Promise<Conference> {
    return merge(this, other);
  }

  /** Plays the other side through this element from now on. */
  attachAudio(element: HTMLAudioElement): void {
    if (!this.#audio) throw wrongState("This call was made with audio.element false: play remoteStream yourself.");
    this.#audio.attach(element);
  }

  /** Plays what the browser held back; call it inside a click. */
  async unlock(): Promise<void> {
    await this.#audio?.unlock();
  }

  /** The call's events as they come, for `for await`; ends after `ended`. */
  events(options: { signal?: AbortSignal } = {}): AsyncIterableIterator<CallEventMap[keyof CallEventMap]> {
    return iterate(this, CALL_EVENT_TYPES, "ended", options.signal);
  }

  /** Hangs up. */
  [dispose](): void {
    this.hangUp();
  }

  #handleFact(fact: CallFact): void {
    switch (fact.type) {
      case "callChange": this.#handleChange(fact); break;
      case "muteChange": this.#muted = fact.muted; this.dispatchEvent(new MuteChangeEvent(fact.muted)); break;
      case "digitSent": this.#dialling.handleDigit(); this.dispatchEvent(new DigitSentEvent(fact.digit)); break;
      case "digitFailed": this.#dialling.handleDigit(SipError.fromInfo(fact.error)); break;
      case "digit": this.dispatchEvent(new DigitEvent(fact.digit, fact.durationMs)); break;
      case "holdChange": this.#handleHold(fact); break;
      case "holdResult": this.#holding.handleResult(fact.error && SipError.fromInfo(fact.error)); break;
      case "mediaChange": this.dispatchEvent(new MediaChangeEvent(fact.state)); break;
      case "remoteTrack": this.#handleTrack(); break;
      case "transferRequest": consider(this, this.#kin, fact, (status) => { this.#driver.rejectTransfer(this.#listener, status); }); break;
      case "transferWithdrawn": this.dispatchEvent(new TransferWithdrawnEvent()); break;
      case "redirected": this.#driver.redirect(this.#listener, decide(this, this.#redirects, fact)); break;
      case "callReplaced": this.#handleReplaced(fact.remote); break;
      case "callMessage": this.dispatchEvent(MessageReceivedEvent.of(fact)); break;
      case "callEnded": this.#finish(endOf(fact, this)); break;
    }
  }

  #handleChange({ state, status, remote }: EventOf<"callChange">): void {
    if (remote) this.#remote = remote;
    if (state === "ended") return; // `callEnded` follows and says how.
    if (state === "active") this.#answeredAt ??= new Date();
    this.#enter(state, status);
    if (state === "active") this.#answered.resolve(undefined);
  }

  #setHeld(held: boolean): Promise<void> {
    return this.#holding.change(() => {
      if (this.#state !== "active") throw wrongState("A call can be held once it is answered, until it ends.");
      this.#driver.setHeld(this.#listener, held);
    });
  }

  #handleHold({ local, remote }: EventOf<"holdChange">): void {
    this.#held = { local, remote };
    this.dispatchEvent(new HoldChangeEvent(this.#held));
  }

  #handleReplaced(remote: Party): void {
    const previous = this.#remote;
    this.#remote = remote;
    this.dispatchEvent(new ReplacedEvent(remote, previous));
  }

  #handleTrack(): void {
    const stream = this.remoteStream;
    if (!stream) return;
    this.#audio?.play(stream);
    this.dispatchEvent(new RemoteTrackEvent(stream));
  }

  #enter(state: CallState, status?: number): void {
    const previous = this.#state;
    if (previous === state) return;
    this.#state = state;
    this.#ringing.enter(state);
    this.dispatchEvent(new CallStateChangeEvent(state, previous, status));
  }

  #finish(end: CallEnd): void {
    if (this.#state === "ended") return;
    this.#endedAt = new Date();
    this.#over.abort();
    this.#audio?.stop();
    this.#enter("ended", end.status);
    this.#answered.reject(end.error ?? cancelled(end));
    const over = end.error ?? wrongState("The call ended before this was done.");
    this.#holding.handleResult(over);
    this.#dialling.end(over);
    this.#ended.resolve(end);
    this.dispatchEvent(new CallEndedEvent(end));
  }

  #follow(signal: AbortSignal | undefined): void {
    if (signal?.aborted) this.hangUp();
    else signal?.addEventListener("abort", () => { this.hangUp(); }, { signal: this.#over.signal });
  }

  #reportBlocked(): void {
    this.dispatchEvent(new PlaybackBlockedEvent(this));
  }
}
