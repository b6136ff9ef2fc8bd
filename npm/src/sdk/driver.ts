/**
 * The only file that holds the wasm core: commands go in, events are drained after each and dispatched.
 *
 * The law of the border: after every command, and whenever the core wakes us, `drain()` is called until nothing is
 * left. Ids of calls never leave this file. It decides nothing.
 */
import type {
  AnswerOptions,
  CallOptions,
  Core,
  CoreCommand,
  CoreConfig,
  CoreEvent,
  DigitMethod,
  MessageOptions,
  PublishOptions,
  RejectOptions,
  SubscribeOptions,
} from "../../wasm/switchhook_core.js";
import { loadCore } from "../load.js";
import { SipError } from "./errors.js";
import type { AgentListener, CallListener, EventOf, MessageListener, PublicationListener, SubscriptionListener } from "./listeners.js";
import type { KeptCall } from "./kept-calls.js";
import { Routes } from "./routes.js";
import type { CoreTransfer, TransferListener } from "./transfer.js";

export type { CallOptions as CoreCallOptions, CoreConfig, CoreEvent } from "../../wasm/switchhook_core.js";
export type { AgentListener, CallFact, CallListener, EventOf, MessageListener, PublicationListener, SubscriptionListener } from "./listeners.js";

/** One core and its event loop. */
export class Driver {
  readonly #config: CoreConfig;
  readonly #agent: AgentListener;
  readonly #listeners = new Map<number, CallListener>();
  readonly #ids = new Map<CallListener, number>();
  /** By the call that is transferred; may outlive it. */
  readonly #transfers = new Map<number, TransferListener>();
  readonly #messages = new Routes<MessageListener>();
  readonly #subscriptions = new Routes<SubscriptionListener>();
  readonly #publications = new Routes<PublicationListener>();
  #core: Core | undefined;
  #starting: Promise<void> | undefined;
  #draining = false;
  #disposed = false;

  constructor(config: CoreConfig, agent: AgentListener) {
    this.#config = config;
    this.#agent = agent;
  }

  /** Is there a core? */
  get isLoaded(): boolean {
    return this.#core !== undefined;
  }

  /** Loads the core, unless that was done before. Every command starts it by itself. */
  start(): Promise<void> {
    this.#starting ??= this.#load().catch((thrown: unknown) => {
      this.#starting = undefined;
      const error = SipError.from(thrown);
      if (!this.#disposed) this.#agent.handleFailure(error);
      throw error;
    });
    return this.#starting;
  }

  connect(): void {
    this.#command({ type: "connect" });
  }

  disconnect(): void {
    if (this.#core) this.#run({ type: "disconnect" });
  }

  register(): void {
    this.#command({ type: "register" });
  }

  unregister(all = false): void {
    if (this.#core) this.#run({ type: "unregister", all });
  }

  /** Has the next attempt to connect made after so many milliseconds. */
  retryIn(waitMs: number): void {
    if (this.#core) this.#run({ type: "retryIn", waitMs });
  }

  /** Does not try to connect again. */
  giveUp(): void {
    if (this.#core) this.#run({ type: "giveUp" });
  }

  /** Makes a call; the core must have been started. Throws when the target or an option is wrong. */
  call(listener: CallListener, target: string, options: CallOptions): void {
    this.#run({ type: "call", target, options }, (id) => { this.#bind(id, listener); });
  }

  /** Takes back a call of the page before; the core must have been started. */
  resume(listener: CallListener, { dialog, muted, held }: KeptCall): void {
    this.#run({ type: "resume", dialog, muted, held }, (id) => { this.#bind(id, listener); });
  }

  /** What names the dialog of an answered call. */
  dialog(listener: CallListener): string | undefined {
    return this.#query(listener, (core, id) => core.dialog(id));
  }

  answer(listener: CallListener, options: AnswerOptions): void {
    this.#callCommand(listener, (call) => ({ type: "answer", call, options }));
  }

  reject(listener: CallListener, status: number, options: RejectOptions): void {
    this.#callCommand(listener, (call) => ({ type: "reject", call, status, options }));
  }

  /** Refuses incoming calls with this status, or with 0 lets them ring; a core that is loaded later begins with it. */
  setDoNotDisturb(status: number): void {
    this.#config.doNotDisturb = status;
    if (this.#core) this.#run({ type: "setDoNotDisturb", status });
  }

  /** Says whether a call goes where its `redirected` names. */
  redirect(listener: CallListener, follows: boolean): void {
    this.#callCommand(listener, (call) => ({ type: follows ? "followRedirect" : "refuseRedirect", call }));
  }

  hangUp(listener: CallListener, options: RejectOptions): void {
    this.#callCommand(listener, (call) => ({ type: "hangUp", call, options }));
  }

  setMuted(listener: CallListener, muted: boolean): void {
    this.#callCommand(listener, (call) => ({ type: "setMuted", call, muted }));
  }

  /** Transfers a call to `target`, a number or another call. Throws when it cannot be. */
  transfer(listener: CallListener, target: string | CallListener, options: CoreTransfer, follow: TransferListener): void {
    const call = this.#ids.get(listener);
    const other = typeof target === "string" ? undefined : this.#ids.get(target);
    if (call === undefined) throw overError();
    const bind = (): void => { this.#transfers.set(call, follow); };
    if (typeof target === "string") this.#run({ type: "transfer", call, target, options }, bind);
    else if (other === undefined) throw overError();
    else this.#run({ type: "transferToCall", call, other, options }, bind);
  }

  /** Makes the call that the other side of `asked` asked for. */
  acceptTransfer(asked: CallListener, listener: CallListener, options: CallOptions): void {
    const call = this.#ids.get(asked);
    if (call === undefined) throw overError();
    this.#run({ type: "acceptTransfer", call, options }, (id) => { this.#bind(id, listener); });
  }

  rejectTransfer(listener: CallListener, status: number): void {
    this.#callCommand(listener, (call) => ({ type: "rejectTransfer", call, status }));
  }

  setHeld(listener: CallListener, held: boolean): void {
    this.#callCommand(listener, (call) => ({ type: "setHeld", call, held }));
  }

  renegotiate(listener: CallListener): void {
    this.#callCommand(listener, (call) => ({ type: "renegotiate", call }));
  }

  sendDigits(listener: CallListener, digits: string, method: DigitMethod, toneMs: number, gapMs: number): void {
    this.#callCommand(listener, (call) => ({ type: "sendDigits", call, digits, method, toneMs, gapMs }));
  }

  /** Sends a message to an address or inside a call; the core must have been started. Throws when it cannot be sent. */
  message(listener: MessageListener, to: string | CallListener, body: Uint8Array, options: MessageOptions): void {
    const bind = (id: number): void => { this.#messages.bind(id, listener); };
    const call = typeof to === "string" ? undefined : this.#ids.get(to);
    if (typeof to === "string") this.#run({ type: "message", target: to, body, options }, bind);
    else if (call === undefined) throw new SipError({ code: "WRONG_STATE", message: "There is no such call any more." });
    else this.#run({ type: "callMessage", call, body, options }, bind);
  }

  /** Forgets a message; nothing is told about it any more. */
  dropMessage(listener: MessageListener): void {
    const message = this.#messages.id(listener);
    if (message === undefined) return;
    this.#messages.release(message);
    if (this.#core) this.#run({ type: "dropMessage", message });
  }

  /** Subscribes; the core must have been started. Throws when an argument is wrong. */
  subscribe(listener: SubscriptionListener, target: string, event: string, options: SubscribeOptions): void {
    this.#run({ type: "subscribe", target, event, options }, (id) => { this.#subscriptions.bind(id, listener); });
  }

  unsubscribe(listener: SubscriptionListener): void {
    const subscription = this.#subscriptions.id(listener);
    if (subscription !== undefined) this.#command({ type: "unsubscribe", subscription });
  }

  knowsSubscription(listener: SubscriptionListener): boolean {
    return this.#subscriptions.id(listener) !== undefined;
  }

  /** Publishes; the core must have been started. Throws when an argument is wrong. */
  publish(listener: PublicationListener, event: string, contentType: string, body: Uint8Array, options: PublishOptions): void {
    this.#run({ type: "publish", event, contentType, body, options }, (id) => { this.#publications.bind(id, listener); });
  }

  modify(listener: PublicationListener, contentType: string, body: Uint8Array): void {
    const publication = this.#publications.id(listener);
    if (publication !== undefined) this.#command({ type: "modify", publication, contentType, body });
  }

  unpublish(listener: PublicationListener): void {
    const publication = this.#publications.id(listener);
    if (publication !== undefined) this.#command({ type: "unpublish", publication });
  }

  knowsPublication(listener: PublicationListener): boolean {
    return this.#publications.id(listener) !== undefined;
  }

  /** Does the core know this call? Not before the core is loaded, nor after the call's end. */
  knows(listener: CallListener): boolean {
    return this.#ids.has(listener);
  }

  remoteStream(listener: CallListener): MediaStream | undefined {
    return this.#query(listener, (core, id) => core.remoteStream(id));
  }

  localStream(listener: CallListener): MediaStream | undefined {
    return this.#query(listener, (core, id) => core.localStream(id));
  }

  peerConnection(listener: CallListener): RTCPeerConnection | undefined {
    return this.#query(listener, (core, id) => core.peerConnection(id));
  }

  /** Lets go of the core, its socket and its tracks. Nothing is dispatched afterwards. */
  dispose(): void {
    const core = this.#core;
    this.#disposed = true;
    this.#core = undefined;
    this.#listeners.clear();
    this.#ids.clear();
    this.#abandonTransfers(disposedError());
    core?.dispose();
    const error = disposedError();
    this.#others().forEach((listener) => { listener.handleFailure(error); });
  }

  async #load(): Promise<void> {
    const CoreClass = await loadCore();
    if (this.#disposed) throw disposedError();
    const entropy = crypto.getRandomValues(new Uint8Array(32));
    this.#core = new CoreClass(this.#config, entropy, () => { this.#drain(); });
  }

  #command(command: CoreCommand): void {
    if (this.#core) this.#run(command);
    else this.start().then(() => { this.#run(command); }).catch(ignore);
  }

  #callCommand(listener: CallListener, command: (call: number) => CoreCommand): void {
    const call = this.#ids.get(listener);
    if (call !== undefined) this.#command(command(call));
  }

  #query<T>(listener: CallListener, ask: (core: Core, id: number) => T | undefined): T | undefined {
    const id = this.#ids.get(listener);
    return this.#core && id !== undefined ? ask(this.#core, id) : undefined;
  }

  #bind(id: number, listener: CallListener): void {
    this.#listeners.set(id, listener);
    this.#ids.set(listener, id);
  }

  /** One command, a place for what it made, then the events it caused. */
  #run(command: CoreCommand, bind?: (id: number) => void): void {
    const core = this.#core;
    if (!core) throw disposedError();
    try {
      const id = core.command(command);
      bind?.(id);
    } catch (thrown) {
      if (thrown instanceof WebAssembly.RuntimeError) this.#crash(thrown);
      throw SipError.from(thrown);
    } finally {
      this.#drain();
    }
  }

  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    try {
      let events: CoreEvent[];
      while (this.#core && (events = this.#core.drain()).length > 0) events.forEach((event) => { this.#tell(event); });
    } catch (thrown) {
      this.#crash(thrown);
    } finally {
      this.#draining = false;
    }
  }

  /** What goes wrong with one event is reported, and the others are told all the same; only a trap ends everything. */
  #tell(event: CoreEvent): void {
    try {
      this.#dispatch(event);
    } catch (thrown) {
      if (thrown instanceof WebAssembly.RuntimeError) throw thrown;
      reportError(thrown);
    }
  }

  #dispatch(event: CoreEvent): void {
    switch (event.type) {
      case "connectionChange": this.#agent.handleConnection(event); break;
      case "registrationChange": this.#agent.handleRegistration(event); break;
      case "incomingCall": this.#agent.handleIncoming(event, (listener) => { this.#bind(event.call, listener); }); break;
      case "callRefused": this.#agent.handleRefused(event); break;
      case "callEnded": this.#end(event); break;
      case "transferChange": this.#followTransfer(event); break;
      case "message": this.#agent.handleMessage(event); break;
      case "messageSent": this.#messages.release(event.message)?.handleSent(event); break;
      case "notify": this.#notified(event); break;
      case "subscriptionChange": this.#subscriptionChanged(event); break;
      case "publicationChange": this.#publicationChanged(event); break;
      default: this.#listeners.get(event.call)?.handleFact(event);
    }
  }

  /** What nobody has subscribed for comes as subscription 0. */
  #notified(event: EventOf<"notify">): void {
    if (event.subscription === 0) this.#agent.handleNotify(event);
    else this.#subscriptions.listener(event.subscription)?.handleFact(event);
  }

  #subscriptionChanged(event: EventOf<"subscriptionChange">): void {
    const isOver = event.change.state === "terminated";
    const listener = isOver ? this.#subscriptions.release(event.subscription) : this.#subscriptions.listener(event.subscription);
    listener?.handleFact(event);
  }

  #publicationChanged(event: EventOf<"publicationChange">): void {
    const isOver = event.change.state === "ended";
    const listener = isOver ? this.#publications.release(event.publication) : this.#publications.listener(event.publication);
    listener?.handleFact(event);
  }

  #followTransfer(event: EventOf<"transferChange">): void {
    const follow = this.#transfers.get(event.call);
    if (event.state === "succeeded" || event.state === "failed") this.#transfers.delete(event.call);
    follow?.handleChange(event);
  }

  #abandonTransfers(error: SipError): void {
    const followers = [...this.#transfers.values()];
    this.#transfers.clear();
    followers.forEach((follow) => { follow.handleFailure(error); });
  }

  #end(event: EventOf<"callEnded">): void {
    const listener = this.#listeners.get(event.call);
    if (!listener) return;
    listener.handleFact(event);
    this.#listeners.delete(event.call);
    this.#ids.delete(listener);
  }

  /** Who waits for messages, subscriptions and publications; nobody does afterwards. */
  #others(): { handleFailure(error: SipError): void }[] {
    return [...this.#messages.clear(), ...this.#subscriptions.clear(), ...this.#publications.clear()];
  }

  /** The module trapped: it cannot be used again, so everybody is told. */
  #crash(thrown: unknown): void {
    const error = SipError.from(thrown);
    const listeners = [...this.#listeners.values(), ...this.#others()];
    this.#core = undefined;
    this.#disposed = true;
    this.#listeners.clear();
    this.#ids.clear();
    this.#abandonTransfers(error);
    listeners.forEach((listener) => { listener.handleFailure(error); });
    this.#agent.handleFailure(error);
  }
}

function overError(): SipError {
  return new SipError({ code: "WRONG_STATE", message: "The call is over." });
}

function disposedError(): SipError {
  return new SipError({ code: "DISPOSED", message: "This user agent was closed. Make a new one.", fatal: true });
}

/** A failed start was already reported to the agent's listener. */
function ignore(): void {
  // Nothing is left to do.
}
