/**
 * The state of one `<call-button>`: requests come in, facts of the SDK become state.
 *
 * It fetches the SDK, and with it the core, on the first `prepare` or `call`. It knows nothing of the DOM.
 */
import type { AudioDevice, Call, CallEnd, CallState, QualityGrade, SipErrorCode, UserAgent, UserAgentOptions } from "../index.js";
import { Store } from "./store.js";

/** What a button shows. */
export type CallPhase = "idle" | "connecting" | "ringing" | "active" | "ended" | "error";

/** Everything a button shows. */
export interface CallButtonState {
  readonly phase: CallPhase;
  readonly muted: boolean;
  /** When both sides began to talk, in milliseconds since the epoch. */
  readonly answeredAt: number | undefined;
  /** Milliseconds of conversation, once the call is over. */
  readonly duration: number;
  readonly errorCode: SipErrorCode | undefined;
  /** The browser holds the sound back. */
  readonly blocked: boolean;
  /** The digits that left. */
  readonly digits: string;
  readonly quality: QualityGrade | undefined;
  readonly devices: Devices | undefined;
}

/** Microphones and loudspeakers, and which are chosen. */
export interface Devices {
  readonly list: readonly AudioDevice[];
  readonly input: string;
  readonly output: string;
  readonly canSetOutput: boolean;
}

/** What a page or a person wants. */
export type CallButtonRequest =
  | { readonly type: "prepare"; readonly options: UserAgentOptions }
  | { readonly type: "call"; readonly options: UserAgentOptions; readonly target: string; readonly audio: HTMLAudioElement }
  | { readonly type: "hangUp" | "dismiss" | "unlock" | "close" }
  | { readonly type: "input" | "output"; readonly id: string }
  | { readonly type: "mute"; readonly muted: boolean }
  | { readonly type: "digits"; readonly digits: string };

/** What happened in the SDK, for events. */
export interface CallButtonListener {
  onCall(call: Call): void;
  onEnd(call: Call, end: CallEnd): void;
  /** How loud the microphone is, from 0 to 1, many times a second. */
  onLevel(level: number): void;
}

type Sdk = typeof import("../index.js");

/** A connection that nobody uses is closed after this time, in milliseconds. */
const IDLE = 60_000;

const PHASES: Record<Exclude<CallState, "ended">, CallPhase> = {
  new: "connecting",
  calling: "connecting",
  ringing: "ringing",
  early: "ringing",
  reconnecting: "connecting",
  active: "active",
};

const IDLE_STATE: CallButtonState = {
  phase: "idle",
  muted: false,
  answeredAt: undefined,
  duration: 0,
  errorCode: undefined,
  blocked: false,
  digits: "",
  quality: undefined,
  devices: undefined,
};

/** One button's state. */
export class CallStore extends Store<CallButtonState> {
  readonly #listener: CallButtonListener;
  #agent: UserAgent | undefined;
  #agentKey = "";
  #call: Call | undefined;
  #idle: ReturnType<typeof setTimeout> | undefined;
  /** Counts attempts, so that one given up while the SDK is loading does not call. */
  #attempt = 0;

  constructor(listener: CallButtonListener) {
    super(IDLE_STATE);
    this.#listener = listener;
  }

  /** Is a call wanted or under way? */
  get isBusy(): boolean {
    return this.state.phase !== "idle" && this.state.phase !== "ended" && this.state.phase !== "error";
  }

  /** Carries a request out. */
  dispatch(request: CallButtonRequest): void {
    switch (request.type) {
      case "prepare": void this.#prepare(request.options); break;
      case "call": if (!this.isBusy) void this.#start(request.options, request.target, request.audio); break;
      case "hangUp": this.#hangUp(); break;
      case "dismiss": if (!this.isBusy) this.update(IDLE_STATE); break;
      case "unlock": void this.#unlock(); break;
      case "close": this.#close(); break;
      case "input": case "output": void this.#choose(request.type, request.id); break;
      case "mute": if (request.muted) this.#call?.mute(); else this.#call?.unmute(); break;
      case "digits": if (this.state.phase === "active") this.#call?.sendDigits(request.digits); break;
    }
  }

  async #prepare(options: UserAgentOptions): Promise<void> {
    try {
      this.#agentFor(await loadSdk(), options);
    } catch {
      // Nobody asked for a call yet: the call itself will say what is wrong.
    }
  }

  async #start(options: UserAgentOptions, target: string, audio: HTMLAudioElement): Promise<void> {
    const attempt = ++this.#attempt;
    this.update({ ...IDLE_STATE, phase: "connecting" });
    try {
      const sdk = await loadSdk();
      if (attempt !== this.#attempt) return;
      this.#follow(this.#agentFor(sdk, options).call(target, { audio: { element: audio } }));
    } catch (error) {
      if (attempt === this.#attempt) this.update({ phase: "error", errorCode: codeOf(error) });
    }
  }

  #agentFor(sdk: Sdk, options: UserAgentOptions): UserAgent {
    const key = JSON.stringify(options);
    if (this.#agent && key !== this.#agentKey) void this.#agent.close();
    if (!this.#agent || this.#agent.closed) this.#agent = new sdk.UserAgent({ ...options, register: false });
    this.#agentKey = key;
    this.#rest();
    return this.#agent;
  }

  #follow(call: Call): void {
    this.#call = call;
    call
      .on("statechange", ({ state }) => { if (state !== "ended") this.#enter(PHASES[state]); })
      .on("mutechange", ({ muted }) => { this.update({ muted }); })
      .on("digitsent", ({ digit }) => { this.update({ digits: this.state.digits + digit }); })
      .on("playbackblocked", () => { this.update({ blocked: true }); })
      .on("ended", ({ end }) => { this.#end(call, end); });
    this.#rest();
    this.#listener.onCall(call);
  }

  #enter(phase: CallPhase): void {
    this.update({ phase, answeredAt: this.#call?.answeredAt?.getTime() });
    if (phase === "active" && this.#call) this.#measure(this.#call);
  }

  /** The meter, the quality and the menu of devices, while both sides talk. */
  #measure(call: Call): void {
    const over = new AbortController();
    void call.ended.then(() => { over.abort(); });
    call.quality.on("report", () => { this.update({ quality: call.quality.grade }); }, { signal: over.signal });
    const { devices } = this.#agent ?? {};
    if (call.localStream) devices?.watchLevel(call.localStream, (level) => { this.#listener.onLevel(level); }, { signal: over.signal });
    devices?.on("devicechange", () => void this.#showDevices(), { signal: over.signal });
    void this.#showDevices();
  }

  async #showDevices(): Promise<void> {
    const { devices } = this.#agent ?? {};
    if (!devices) return;
    const list = await devices.list().catch(() => []);
    this.update({ devices: { list, input: devices.input, output: devices.output, canSetOutput: devices.canSetOutput } });
  }

  /** A refusal leaves the choice as it was, and shows it. */
  async #choose(which: "input" | "output", id: string): Promise<void> {
    const { devices } = this.#agent ?? {};
    await (which === "input" ? devices?.setInput(id) : devices?.setOutput(id))?.catch(() => undefined);
    await this.#showDevices();
  }

  #end(call: Call, end: CallEnd): void {
    this.#call = undefined;
    this.#rest();
    const failed = { phase: "error", errorCode: end.error?.code, blocked: false } as const;
    this.update(end.error ? failed : { phase: "ended", duration: call.duration, blocked: false });
    this.#listener.onEnd(call, end);
  }

  #hangUp(): void {
    if (!this.isBusy) return;
    this.#attempt++;
    if (this.#call) this.#call.hangUp();
    else this.update({ phase: "ended" });
  }

  async #unlock(): Promise<void> {
    await this.#agent?.unlock();
    this.update({ blocked: false });
  }

  #close(): void {
    this.#hangUp();
    clearTimeout(this.#idle);
    void this.#agent?.close();
    this.#agent = undefined;
    this.update(IDLE_STATE);
  }

  /** Closes the connection when no call was made for a while. */
  #rest(): void {
    clearTimeout(this.#idle);
    if (this.#call) return;
    this.#idle = setTimeout(() => { void this.#agent?.close(); this.#agent = undefined; }, IDLE);
  }
}

function loadSdk(): Promise<Sdk> {
  return import("../index.js");
}

function codeOf(error: unknown): SipErrorCode {
  const { code } = error as { code?: SipErrorCode };
  return code ?? "WASM_UNAVAILABLE";
}
