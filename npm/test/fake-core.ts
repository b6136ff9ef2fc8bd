/**
 * The core's stand-in: it stands where the wasm glue does, writes down its commands, and says what a test tells it to.
 *
 * Bundled by run.mjs in place of `wasm/switchhook_core.js`, so that everything above it is the real thing.
 */
import type {
  AnswerOptions,
  CallEnd,
  CallOptions,
  CallState,
  Core as RealCore,
  CoreCommand,
  CoreConfig,
  CoreEvent,
  DigitMethod,
  ErrorCode,
  ErrorInfo,
  MessageOptions,
  RejectOptions,
  SubscribeOptions,
} from "../wasm/switchhook_core.js";

type Public<T> = { [K in keyof T]: T[K] };

/** What a test may set before a user agent is made. */
export const fake = {
  /** The core made last. */
  core: undefined as Core | undefined,
  /** Thrown by the module's initialisation. */
  initError: undefined as Error | undefined,
  /** What `remoteStream` answers. */
  stream: undefined as MediaStream | undefined,
  /** What `localStream` answers. */
  local: undefined as MediaStream | undefined,
  /** What `peerConnection` answers. */
  peer: undefined as RTCPeerConnection | undefined,
};

/** The core made last; fails when there is none. */
export function core(): Core {
  if (!fake.core) throw new Error("no core was made");
  return fake.core;
}

export default function init(): Promise<void> {
  return fake.initError === undefined ? Promise.resolve() : Promise.reject(fake.initError);
}

export class Core implements Omit<Public<RealCore>, "free" | typeof Symbol.dispose> {
  /** The commands it was given, as text: `call echo`, `hangUp 1`. */
  readonly commands: string[] = [];
  lastOptions: CallOptions | AnswerOptions = {};
  lastReject: RejectOptions = {};
  lastBody = "";
  disposed = false;
  #events: CoreEvent[] = [];
  #calls = 0;
  #others = 0;

  constructor(readonly config: CoreConfig, readonly entropy: Uint8Array, readonly wake: () => void) {
    fake.core = this;
  }

  /** Something happens in the world. */
  say(...events: CoreEvent[]): void {
    this.#events.push(...events);
    this.wake();
  }

  connected(): void {
    this.say({ type: "connectionChange", state: "connected" });
  }

  registered(): void {
    this.connected();
    this.say({ type: "registrationChange", state: "registered", grant: { expires: 600, serviceRoute: [], outbound: false } });
  }

  change(call: number, state: CallState, status?: number): void {
    this.say({ type: "callChange", call, state, ...(status !== undefined && { status }) });
  }

  end(call: number, end: Partial<CallEnd> = {}): void {
    this.say({ type: "callEnded", call, end: { by: "remote", reason: "", ...end } });
  }

  incoming(call: number, uri = "sip:bob@example.com", displayName = "Bob", rows: [string, string][] = []): void {
    const identity = { uri, name: displayName, asserted: true, anonymous: false };
    this.say({ type: "incomingCall", call, from: { uri, displayName }, to: { uri: "sip:alice@example.com" }, identity, diversion: [], headers: [["Via", "x"], ["Subject", "lunch"], ...rows] });
  }

  command(command: CoreCommand): number {
    switch (command.type) {
      case "call": return this.#call(command.target, command.options);
      case "resume": return this.#resume(command.dialog, command.muted, command.held);
      case "acceptTransfer": return this.#acceptTransfer(command.call, command.options);
      case "message": return this.#message(command.target, command.body, command.options);
      case "callMessage": return this.#callMessage(command.call, command.body);
      case "subscribe": return this.#subscribe(command.target, command.event, command.options);
      case "publish": return this.#publish(command.event, command.contentType, command.body);
      default: this.#obey(command); return 0;
    }
  }

  dialog(call: number): string | undefined { return `<sip:relay.invalid?Replaces=${String(call)}>`; }

  /** The commands that make nothing. */
  #obey(command: CoreCommand): void {
    switch (command.type) {
      case "connect": this.#connect(); break;
      case "disconnect": this.#disconnect(); break;
      case "register": this.#register(); break;
      case "unregister": this.#unregister(command.all); break;
      case "retryIn": this.#retryIn(command.waitMs); break;
      case "giveUp": this.#giveUp(); break;
      case "answer": this.#answer(command.call, command.options); break;
      case "reject": this.#reject(command.call, command.status, command.options); break;
      case "followRedirect": this.#followRedirect(command.call); break;
      case "refuseRedirect": this.#refuseRedirect(command.call); break;
      case "setDoNotDisturb": this.#setDoNotDisturb(command.status); break;
      case "hangUp": this.#hangUp(command.call, command.options); break;
      case "setMuted": this.#setMuted(command.call, command.muted); break;
      case "transfer": this.#transfer(command.call, command.target); break;
      case "transferToCall": this.#transferToCall(command.call, command.other); break;
      case "rejectTransfer": this.#rejectTransfer(command.call, command.status); break;
      case "setHeld": this.#setHeld(command.call, command.held); break;
      case "renegotiate": this.#renegotiate(command.call); break;
      case "sendDigits": this.#sendDigits(command.call, command.digits, command.method, command.toneMs, command.gapMs); break;
      case "dropMessage": this.#dropMessage(command.message); break;
      case "unsubscribe": this.#unsubscribe(command.subscription); break;
      case "modify": this.#modify(command.publication, command.contentType, command.body); break;
      case "unpublish": this.#unpublish(command.publication); break;
      default: throw new Error(`no such command: ${command.type}`);
    }
  }

  #connect(): void { this.commands.push("connect"); this.#events.push({ type: "connectionChange", state: "connecting" }); }
  #disconnect(): void { this.commands.push("disconnect"); this.#events.push({ type: "connectionChange", state: "disconnected" }); }
  #register(): void { this.commands.push("register"); this.#events.push({ type: "registrationChange", state: "registering" }); }
  #retryIn(waitMs: number): void { this.commands.push(`retryIn ${String(waitMs)}`); }
  #giveUp(): void { this.commands.push("giveUp"); this.#events.push({ type: "connectionChange", state: "disconnected" }); }
  #unregister(all: boolean): void { this.commands.push(all ? "unregister all" : "unregister"); this.#events.push({ type: "registrationChange", state: "unregistered" }); }

  #resume(dialog: string, muted: boolean, held: boolean): number {
    this.commands.push(`resume ${dialog} ${String(muted)} ${String(held)}`);
    return ++this.#calls;
  }

  #call(target: string, options: CallOptions): number {
    this.commands.push(`call ${target}`);
    this.lastOptions = options;
    if (target.includes(" ")) throw coreError("INVALID_TARGET", "That is no number.");
    return ++this.#calls;
  }

  #answer(call: number, options: AnswerOptions): void {
    if (this.commands.includes(`answer ${String(call)}`)) throw coreError("WRONG_STATE", "Only a ringing incoming call can be answered.");
    this.commands.push(`answer ${String(call)}`);
    this.lastOptions = options;
    this.#events.push({ type: "callChange", call, state: "active", status: 200 });
  }

  #reject(call: number, status: number, options: RejectOptions): void {
    this.commands.push(`reject ${String(call)} ${String(status)}`);
    this.lastReject = options;
    this.#events.push({ type: "callEnded", call, end: { by: "local", status, reason: "" } });
  }

  #followRedirect(call: number): void { this.commands.push(`followRedirect ${String(call)}`); }

  #refuseRedirect(call: number): void {
    this.commands.push(`refuseRedirect ${String(call)}`);
    this.#events.push({ type: "callEnded", call, end: { by: "remote", status: 302, reason: "Moved Temporarily", error: errorInfo("UNREACHABLE", 302) } });
  }

  #setDoNotDisturb(status: number): void {
    if (status !== 0 && status < 400) throw coreError("INVALID_ARGUMENT", "That refuses nobody.");
    this.commands.push(`setDoNotDisturb ${String(status)}`);
  }

  #hangUp(call: number, { q850, text }: RejectOptions): void {
    this.commands.push(["hangUp", String(call), q850, text].filter((word) => word !== undefined).join(" "));
    this.#events.push({ type: "callEnded", call, end: { by: "local", reason: "" } });
  }

  #setMuted(call: number, muted: boolean): void {
    this.commands.push(`setMuted ${String(call)} ${String(muted)}`);
    this.#events.push({ type: "muteChange", call, muted });
  }

  #transfer(call: number, target: string): void {
    this.commands.push(`transfer ${String(call)} ${target}`);
    if (target.includes(" ")) throw coreError("INVALID_TARGET", "That is no number.");
  }

  #transferToCall(call: number, other: number): void {
    this.commands.push(`transferToCall ${String(call)} ${String(other)}`);
  }

  #acceptTransfer(call: number, options: CallOptions): number {
    this.commands.push(`acceptTransfer ${String(call)}`);
    this.lastOptions = options;
    return ++this.#calls;
  }

  #rejectTransfer(call: number, status: number): void {
    this.commands.push(`rejectTransfer ${String(call)} ${String(status)}`);
  }

  #setHeld(call: number, held: boolean): void {
    this.commands.push(`setHeld ${String(call)} ${String(held)}`);
  }

  #renegotiate(call: number): void {
    this.commands.push(`renegotiate ${String(call)}`);
  }

  #sendDigits(call: number, digits: string, method: DigitMethod, toneMs: number, gapMs: number): void {
    this.commands.push(`sendDigits ${String(call)} ${digits} ${method} ${String(toneMs)} ${String(gapMs)}`);
    if (digits.includes("x")) throw coreError("INVALID_ARGUMENT", "No telephone has an x.");
    for (const digit of digits) this.#events.push({ type: "digitSent", call, digit });
  }

  #message(target: string, body: Uint8Array | number[], { contentType }: MessageOptions): number {
    this.commands.push(`message ${target} ${contentType ?? ""} ${new TextDecoder().decode(new Uint8Array(body))}`);
    if (target.includes(" ")) throw coreError("INVALID_TARGET", "That is no number.");
    return ++this.#others;
  }

  #callMessage(call: number, body: Uint8Array | number[]): number {
    this.commands.push(`callMessage ${String(call)} ${new TextDecoder().decode(new Uint8Array(body))}`);
    return ++this.#others;
  }

  #dropMessage(message: number): void { this.commands.push(`dropMessage ${String(message)}`); }

  #subscribe(target: string, event: string, { accept, expires }: SubscribeOptions): number {
    this.commands.push(`subscribe ${target} ${event} ${accept ?? "-"} ${String(expires ?? "-")}`);
    return ++this.#others;
  }

  #unsubscribe(subscription: number): void {
    this.commands.push(`unsubscribe ${String(subscription)}`);
    this.#events.push({ type: "subscriptionChange", subscription, change: { state: "terminated" } });
  }

  #publish(event: string, contentType: string, body: Uint8Array | number[]): number {
    this.commands.push(`publish ${event} ${contentType}`);
    this.lastBody = new TextDecoder().decode(new Uint8Array(body));
    return ++this.#others;
  }

  #modify(publication: number, contentType: string, body: Uint8Array | number[]): void {
    this.commands.push(`modify ${String(publication)} ${contentType}`);
    this.lastBody = new TextDecoder().decode(new Uint8Array(body));
  }

  #unpublish(publication: number): void {
    this.commands.push(`unpublish ${String(publication)}`);
    this.#events.push({ type: "publicationChange", publication, change: { state: "ended" } });
  }

  /** A NOTIFY of this subscription. */
  notify(subscription: number, contentType: string, body: string): void {
    this.say({ type: "notify", subscription, notification: { contentType, body: new TextEncoder().encode(body), headers: [] } });
  }

  remoteStream(): MediaStream | undefined { return fake.stream; }
  localStream(): MediaStream | undefined { return fake.local; }
  peerConnection(): RTCPeerConnection | undefined { return fake.peer; }
  drain(): CoreEvent[] { return this.#events.splice(0); }
  dispose(): void { this.disposed = true; }
}

/** An error as the core reports it in an event. */
export function errorInfo(code: ErrorCode, status?: number): ErrorInfo {
  return { code, message: `${code} happened.`, fatal: false, retryable: true, ...(status !== undefined && { status }) };
}

/** An error as the core throws it. */
function coreError(code: ErrorCode, message: string): Error {
  return Object.assign(new Error(message), { name: "CoreError", code, fatal: false, retryable: false });
}
