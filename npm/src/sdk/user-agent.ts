/**
 * The SIP user agent of a page: one account, one connection, its registration and its calls.
 *
 * Making one returns at once; the core is loaded and connected behind it. SIP is decided in the core.
 */
import { AudioDevices } from "./audio/devices.js";
import { setOwnSound } from "./audio/microphone.js";
import { autoAnswer, autoAnswerRequest } from "./auto-answer.js";
import { Call } from "./call.js";
import { Conference } from "./conference.js";
import { defined } from "./defined.js";
import { type Deferred, deferred } from "./deferred.js";
import { asyncDispose, dispose } from "./dispose.js";
import { coreConfig, coreOptions, refusalStatus } from "./core-config.js";
import { diagnose, type DiagnoseOptions, type Diagnosis } from "./diagnosis.js";
import { closedError, expired, isRegistered } from "./closing.js";
import { type AgentListener, type CallListener, Driver, type EventOf } from "./driver.js";
import { SipError } from "./errors.js";
import {
  CallResumedEvent, ConnectionChangeEvent, IncomingCallEvent, PlaybackBlockedEvent, RefusedCallEvent, RegistrationChangeEvent,
  SipErrorEvent, TypedEventTarget, type UserAgentEventMap,
} from "./events.js";
import { KeptCalls, takeBack } from "./kept-calls.js";
import type { Registration, UnregisterOptions } from "./registration.js";
import { unlockTones } from "./ringtone.js";
import { MessageReceivedEvent, type MessageOptions, sendMessage } from "./messages.js";
import { Publication, type PublishDocument, type PublishOptions } from "./publication.js";
import { NotifyEvent, Subscription, type SubscribeOptions } from "./subscription.js";
import { tokenHeaders } from "./tokens.js";
import { received } from "./received-headers.js";
import type { CallKin } from "./transfer.js";
import type { Account, ConnectionState, Party } from "./types.js";
import type { CallOptions, UserAgentOptions, WaitOptions } from "./user-agent-options.js";

/** How long `close()` waits for the server's answers to its farewells, in milliseconds. */
const FAREWELL = 2_000;

/** The longest wait that a `ReconnectPolicy` may ask for, in milliseconds. */
const LONGEST_WAIT = 86_400_000;

/** A SIP user agent. */
export class UserAgent extends TypedEventTarget<UserAgentEventMap> {
  /** The microphone and the loudspeakers. */
  readonly devices: AudioDevices;

  readonly #options: UserAgentOptions;
  readonly #driver: Driver;
  readonly #calls = new Set<Call>();
  readonly #kin: CallKin;
  readonly #closed = new AbortController();
  #doNotDisturb: boolean | number;
  #refusedCalls = 0;
  #wantsRegistration: boolean;
  #wasReady = false;
  #state: ConnectionState = "disconnected";
  #connectionError: SipError | undefined;
  #registration: Registration = { state: "unregistered" };
  #ready: Deferred<undefined> = deferred();
  #closing: Promise<void> | undefined;
  #kept: KeptCalls | undefined;

  /** Throws a `SipError` when `server` is no address. Everything else is reported by `ready` and by events. */
  constructor(options: UserAgentOptions) {
    super();
    this.#options = options;
    this.#kin = {
      call: (target, more) => this.call(target, more),
      follow: (asked, target, more) => this.#follow(asked, target, more),
      all: () => this.calls,
      policy: options.transferPolicy ?? "ask",
    };
    this.#doNotDisturb = options.doNotDisturb ?? false;
    this.#wantsRegistration = Boolean(options.register ?? options.account);
    this.devices = new AudioDevices(options.audio?.input, this.#closed.signal);
    const audio = { ...options.audio, input: this.devices.constraints };
    this.#driver = new Driver(coreConfig({ ...options, audio }), this.#listener());
    options.signal?.addEventListener("abort", () => void this.close(), { signal: this.#closed.signal });
    if (options.signal?.aborted) void this.close();
    else if (this.#resume(options) || options.connect !== false) this.prepare();
  }

  /** The connection: `disconnected`, `connecting`, `connected`, `reconnecting`. */
  get state(): ConnectionState {
    return this.#state;
  }

  /** The registration. */
  get registration(): Registration {
    return this.#registration;
  }

  /** The calls that are not over, oldest first. */
  get calls(): readonly Call[] {
    return [...this.#calls];
  }

  /**
   * Refuses incoming calls without ringing: with 480 (not now) where it is `true`, or with a status of its own, such as
   * 486 (busy). Each is told by `refusedcall`. Calls that are there go on. Throws when the status is none for refusals.
   */
  get doNotDisturb(): boolean | number {
    return this.#doNotDisturb;
  }

  set doNotDisturb(setting: boolean | number) {
    this.#driver.setDoNotDisturb(refusalStatus(setting) ?? 0);
    this.#doNotDisturb = setting;
  }

  /** How many calls were refused without ringing: one too many, or not to disturb. */
  get refusedCalls(): number {
    return this.#refusedCalls;
  }

  /** Was `close()` called? */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /**
   * Fulfilled when calls can be made and, where it registers, received. Rejected with a `SipError` when that failed;
   * read it again to wait for the next attempt. Need not be awaited before `call()`.
   */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Loads the core, connects and, where wanted, registers, so that a later call starts at once. */
  prepare(): void {
    this.#assertOpen();
    if (this.#wantsRegistration) this.#driver.register();
    else this.#driver.connect();
  }

  /** Connects. Reconnects by itself until `close()`. Rejected when the first attempt fails. */
  connect({ signal }: WaitOptions = {}): Promise<void> {
    this.#assertOpen();
    this.#driver.connect();
    return this.#until("connectionchange", () => this.#state === "connected" || this.#connectionError, signal);
  }

  /** Registers, and keeps the registration fresh. Rejected when the server refuses. */
  register({ signal }: WaitOptions = {}): Promise<void> {
    this.#assertOpen();
    this.#wantsRegistration = true;
    this.prepare();
    return this.#until("registrationchange", () => this.#registration.error ?? this.#registration.state === "registered", signal);
  }

  /** Withdraws the registration. Calls go on. */
  unregister({ all = false, signal }: UnregisterOptions & WaitOptions = {}): Promise<void> {
    this.#assertOpen();
    this.#wantsRegistration = false;
    this.#driver.unregister(all);
    return this.#until("registrationchange", () => !isRegistered(this.#registration), signal);
  }

  /**
   * Calls a number or a SIP address. Returns at once, before anything is sent: a wrong target, too, is told by the
   * call's `answered` and `ended`.
   */
  call(target: string, options: CallOptions = {}): Call {
    this.#assertOpen();
    const call = this.#make(target, options);
    Promise.all([this.#withToken(target, options), this.#driver.start()])
      .then(([shown]) => { if (call.state !== "ended") this.#driver.call(call.listener, target, coreOptions(shown)); })
      .catch((error: unknown) => { call.listener.handleFailure(SipError.from(error)); });
    return call;
  }

  /**
   * Joins calls, mixed by this page: everybody hears everybody else. Held ones are resumed first. Rejected with a `SipError`
   * when one refuses that, or is not answered; the calls then go on by themselves.
   */
  conference(calls: readonly Call[]): Promise<Conference> {
    return Conference.of(calls);
  }

  /** Sends a short text, or bytes (RFC 3428). Fulfilled when the other side or its server has it; or a `SipError`. */
  async message(to: string, body: string | Uint8Array, options: MessageOptions = {}): Promise<void> {
    this.#assertOpen();
    await sendMessage(this.#driver, to, body, options);
  }

  /** Follows `presence`, `dialog` (busy lamp), `message-summary` (voice mail) or any event (RFC 6665). Returns at once. */
  subscribe<E extends string>(target: string, event: E, options: SubscribeOptions = {}): Subscription<E> {
    this.#assertOpen();
    return new Subscription(this.#driver, target, event, options);
  }

  /** Publishes a document about this account (RFC 3903), and keeps it published until `remove()`. Returns at once. */
  publish<E extends string>(event: E, document: PublishDocument<E>, options: PublishOptions = {}): Publication<E> {
    this.#assertOpen();
    return new Publication(this.#driver, this.#options.account?.uri ?? "", event, document, options);
  }

  /** Looks for what would make a call fail: the page, the microphone, the server, the account, the sound both ways. */
  diagnose(options: DiagnoseOptions = {}): Promise<Diagnosis> {
    this.#assertOpen();
    const registers = this.#wantsRegistration;
    return diagnose({ devices: this.devices, registers, connect: (more) => this.connect(more), register: (more) => this.register(more), call: (target, more) => this.call(target, more) }, options);
  }

  /** Lets everything that the browser held back be heard; call it inside a click. */
  async unlock(): Promise<void> {
    await Promise.all([unlockTones(), ...this.calls.map((call) => call.unlock())]);
  }

  /** Hangs up, withdraws the registration, disconnects. Fulfilled when that is done; afterwards nothing can be used. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Closes without waiting. */
  [dispose](): void {
    void this.close();
  }

  /** Closes. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    if (this.#driver.isLoaded) await this.#sayFarewell();
    this.calls.forEach((call) => { call.hangUp(); });
    this.#driver.dispose();
    this.#fail(closedError());
    this.#closed.abort();
  }

  async #sayFarewell(): Promise<void> {
    const done: Promise<unknown>[] = this.calls.map((call) => call.ended);
    this.calls.forEach((call) => { call.hangUp(); });
    this.#driver.unregister();
    done.push(this.#until("registrationchange", () => !isRegistered(this.#registration)));
    await Promise.race([Promise.all(done), expired(FAREWELL)]);
    this.#driver.disconnect();
  }

  #listener(): AgentListener {
    return {
      handleConnection: (event) => { this.#handleConnection(event); },
      handleRegistration: (event) => { this.#handleRegistration(event); },
      handleIncoming: (event, adopt) => { this.#handleIncoming(event, adopt); },
      handleRefused: (event) => { this.#handleRefused(event); },
      handleMessage: (event) => { this.dispatchEvent(MessageReceivedEvent.of(event)); },
      handleNotify: (event) => { this.dispatchEvent(NotifyEvent.lamp(event)); },
      handleFailure: (error) => { this.#fail(error); this.dispatchEvent(new SipErrorEvent(error)); },
    };
  }

  #handleConnection({ state, error, code, reason, retryInMs, attempt, server }: EventOf<"connectionChange">): void {
    this.#state = state;
    this.#connectionError = error && SipError.fromInfo(error, reason);
    const retryIn = state === "reconnecting" ? this.#applyPolicy(attempt ?? 1, retryInMs) : undefined;
    this.#updateReady(this.#connectionError);
    this.dispatchEvent(new ConnectionChangeEvent(state, this.#connectionError, code, reason, retryIn, attempt, server));
  }

  /** Asks the page's own policy, where it has one. Returns when the next attempt comes. */
  #applyPolicy(attempt: number, retryIn: number | undefined): number | undefined {
    let wait: number | null | undefined;
    try {
      wait = this.#options.reconnect?.(attempt, this.#connectionError);
    } catch (error) {
      reportError(error);
    }
    if (wait === undefined || Number.isNaN(wait)) return retryIn;
    if (wait === null) this.#driver.giveUp();
    else this.#driver.retryIn(Math.min(Math.max(wait, 0), LONGEST_WAIT));
    return wait ?? undefined;
  }

  #handleRegistration({ state, grant, error: info, retryInMs: retryIn }: EventOf<"registrationChange">): void {
    const error = info && SipError.fromInfo(info);
    this.#registration = defined({ state, ...grant, error, retryIn });
    this.#updateReady(error);
    this.dispatchEvent(new RegistrationChangeEvent(this.#registration));
  }

  #handleIncoming({ from, to, identity, diversion, headers: rows }: EventOf<"incomingCall">, adopt: (listener: CallListener) => void): void {
    const { audio = {}, receivedHeaders, autoAnswer: policy = false } = this.#options;
    const request = autoAnswerRequest(rows);
    const headers = received(rows, receivedHeaders);
    const waiting = this.calls.some((other) => other.state === "active");
    const call = this.#adopt(new Call(this.#driver, { direction: "incoming", remote: from, local: to, identity, diversion, autoAnswer: request, headers, audio, kin: this.#kin, waiting }));
    adopt(call.listener);
    call.listener.handleFact({ type: "callChange", call: 0, state: "ringing" });
    this.dispatchEvent(new IncomingCallEvent(call));
    autoAnswer(call, policy);
  }

  #handleRefused({ from, to, headers: rows, status, cause }: EventOf<"callRefused">): void {
    const headers = received(rows, this.#options.receivedHeaders);
    this.#refusedCalls += 1;
    this.dispatchEvent(new RefusedCallEvent(from, to, cause, status, headers));
  }

  /** Takes back what the page before this one kept. Returns whether there is something. */
  #resume({ onPageHide, account, server = "", audio = {} }: UserAgentOptions): boolean {
    if (onPageHide !== "keep") return false;
    this.#kept = new KeptCalls(account?.uri ?? String(server));
    const calls = this.#kept.read().map((kept) => this.#adopt(new Call(this.#driver, { ...kept, audio, kin: this.#kin, kept })));
    // After `prepare()`, so that the core knows whether an account is to be registered first.
    queueMicrotask(() => { calls.forEach((call) => { this.dispatchEvent(new CallResumedEvent(call)); takeBack(this.#driver, call); }); });
    return calls.length > 0;
  }

  /** The call that the other side of `asked` asked for: the core knows how it is to be made. */
  #follow(asked: Call, target: string, options: CallOptions): Call {
    const call = this.#make(target, options);
    try {
      this.#driver.acceptTransfer(asked.listener, call.listener, coreOptions(options));
    } catch (thrown) {
      call.listener.handleFailure(SipError.from(thrown));
      throw thrown;
    }
    return call;
  }

  /** The options with a token among the headers, where calls are made with tokens. */
  async #withToken(target: string, options: CallOptions): Promise<CallOptions> {
    const { token, server = this.#options.servers?.[0]?.url } = this.#options;
    const shown = await tokenHeaders(token, target, server);
    return shown.length === 0 ? options : { ...options, headers: [...(options.headers ?? []), ...shown] };
  }

  #make(target: string, { displayName, audio, signal, stream, redirects = this.#options.redirects }: CallOptions): Call {
    const call = new Call(this.#driver, {
      direction: "outgoing",
      remote: { uri: target },
      local: localParty(this.#options.account, displayName),
      audio: { ...this.#options.audio, ...audio },
      kin: this.#kin,
      redirects,
      signal,
    });
    setOwnSound(call, stream);
    return this.#adopt(call);
  }

  #adopt(call: Call): Call {
    if (call.state === "ended") return call;
    this.#calls.add(call);
    this.devices.follow(call);
    call.once("ended", () => { this.#calls.delete(call); });
    this.#kept?.follow(call, () => this.calls);
    call.on("playbackblocked", () => { this.dispatchEvent(new PlaybackBlockedEvent(call)); });
    return call;
  }

  /** `ready` is fulfilled when usable, rejected once with the first error, and pending again after a loss. */
  #updateReady(error: SipError | undefined): void {
    if (this.#isReady()) this.#ready.resolve(undefined);
    else if (error) this.#fail(error);
    else if (this.#wasReady) this.#ready = deferred();
    this.#wasReady = this.#isReady();
  }

  #isReady(): boolean {
    return this.#state === "connected" && (!this.#wantsRegistration || this.#registration.state === "registered");
  }

  #fail(error: SipError): void {
    this.#ready.reject(error);
    this.#ready = deferred();
    if (this.closed) this.#ready.reject(error);
  }

  /** Waits for events of `type` until `test` is true, or is the error to reject with. */
  #until(type: keyof UserAgentEventMap, test: () => boolean | SipError | undefined, signal?: AbortSignal): Promise<void> {
    const wait = deferred<undefined>();
    const stop = new AbortController();
    const check = (): void => {
      const result = test();
      if (!result) return;
      stop.abort();
      if (result === true) wait.resolve(undefined);
      else wait.reject(result);
    };
    const fail = (error: SipError): void => { stop.abort(); wait.reject(error); };
    const giveUp = (): void => { fail(new SipError({ code: "CANCELLED", message: "This is not waited for any more.", cause: signal?.reason })); };
    this.addEventListener(type, check, { signal: stop.signal });
    this.addEventListener("error", ({ error }) => { fail(error); }, { signal: stop.signal });
    signal?.addEventListener("abort", giveUp, { signal: stop.signal });
    if (signal?.aborted) giveUp();
    if (test() === true) check();
    return wait.promise;
  }

  #assertOpen(): void {
    if (this.closed) throw closedError();
  }
}

function localParty(account: Account | undefined, displayName = account?.displayName): Party | undefined {
  return account && defined({ uri: account.uri, displayName });
}
