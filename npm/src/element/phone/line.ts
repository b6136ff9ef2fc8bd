/** One call of a `<web-phone>`: a `Call` of the SDK, and what is shown of it. */
import type { Call, CallEnd, Consultation } from "../../index.js";
import type { PhoneCall, PhoneCallPhase } from "./state.js";

/** Who hears of it. */
export interface LineListener {
  onChange(line: Line): void;
  /** Both sides can talk. */
  onActive(line: Line): void;
  onEnd(line: Line, end: CallEnd): void;
}

/** A call and its picture. */
export class Line {
  readonly id: number;
  readonly call: Call;
  readonly consultation: Consultation | undefined;
  readonly #listener: LineListener;
  #state: PhoneCall;
  #accept: (() => Call) | undefined;
  #refuse: (() => void) | undefined;

  constructor(id: number, call: Call, listener: LineListener, consultation?: Consultation, consults?: number) {
    this.id = id;
    this.call = call;
    this.consultation = consultation;
    this.#listener = listener;
    this.#state = fresh(id, call, consults);
    call
      .on("statechange", () => { this.#enter(); })
      .on("mutechange", ({ muted }) => { this.#change({ muted }); })
      .on("holdchange", ({ held }) => { this.#change({ held, holdFailed: false }); })
      .on("digitsent", ({ digit }) => { this.#change({ digits: this.#state.digits + digit }); })
      .on("replaced", ({ remote }) => { this.#change({ remote }); })
      .on("transferrequest", ({ request }) => {
        this.#accept = () => request.accept();
        this.#refuse = () => { request.reject(); };
        this.#change({ asked: request.target });
      })
      .on("transferwithdrawn", () => { this.#change({ asked: undefined }); })
      .on("ended", ({ end }) => { this.#end(end); });
  }

  /** What is shown. */
  get state(): PhoneCall {
    return this.#state;
  }

  /** Do both sides talk, or could they? */
  get isActive(): boolean {
    return this.call.state === "active";
  }

  answer(): void {
    if (this.#state.phase !== "incoming") return;
    this.#change({ phase: "connecting" });
    this.call.answer();
  }

  setMuted(muted: boolean): void {
    if (muted) this.call.mute();
    else this.call.unmute();
  }

  sendDigits(digits: string): void {
    if (this.isActive) this.call.sendDigits(digits);
  }

  /** Does nothing where it is so already; waits for another change that is under way. */
  async setHeld(held: boolean): Promise<void> {
    if (!this.isActive || (!this.#state.holding && this.call.held.local === held)) return;
    this.#change({ holding: true, holdFailed: false });
    const failed = await (held ? this.call.hold() : this.call.resume()).then(() => false, () => true);
    this.#change({ holding: false, holdFailed: failed });
  }

  /** Connects the other side with a number, or with the other side of another call. */
  async transfer(target: string | Line): Promise<void> {
    await this.#transferBy(() => this.call.transfer(typeof target === "string" ? target : target.call));
  }

  /** Connects the two that this consultation stands between. */
  async complete(): Promise<void> {
    const { consultation } = this;
    if (consultation) await this.#transferBy(() => consultation.complete());
  }

  /** Is this call, and that one, in the same conference? */
  isWith(other: Line): boolean {
    return this.call.conference !== undefined && this.call.conference === other.call.conference;
  }

  /** Shows whether others hear this call. */
  showConference(): void {
    const conference = this.call.conference !== undefined;
    if (conference !== this.#state.conference) this.#change({ conference });
  }

  /** Does what the other side asked for. Returns the new call. */
  follow(): Call | undefined {
    this.#change({ asked: undefined });
    return this.#accept?.();
  }

  refuse(): void {
    this.#change({ asked: undefined });
    this.#refuse?.();
  }

  async #transferBy(send: () => Promise<unknown>): Promise<void> {
    this.#change({ transfer: "asking" });
    const failed = await send().then(() => false, () => true);
    if (this.call.state !== "ended") this.#change({ transfer: failed ? "failed" : "none" });
  }

  #enter(): void {
    const { state, remote, answeredAt, direction, quality } = this.call;
    if (state === "active") {
      this.#change({ phase: "active", remote, answeredAt: answeredAt?.getTime() });
      this.#listener.onActive(this);
      quality.on("report", () => { this.#change({ quality: quality.grade }); });
    } else if (direction === "outgoing" && (state === "ringing" || state === "early")) {
      this.#change({ phase: "ringing", remote });
    }
  }

  #end(end: CallEnd): void {
    const phase: PhoneCallPhase = end.error ? "error" : "ended";
    this.#state = Object.freeze({ ...this.#state, phase, errorCode: end.error?.code, duration: this.call.duration, quality: undefined, asked: undefined });
    this.#listener.onEnd(this, end);
  }

  #change(change: Partial<PhoneCall>): void {
    if (this.call.state === "ended") return;
    this.#state = Object.freeze({ ...this.#state, ...change });
    this.#listener.onChange(this);
  }
}

function fresh(id: number, call: Call, consults: number | undefined): PhoneCall {
  return Object.freeze({
    id,
    direction: call.direction,
    phase: call.direction === "incoming" ? "incoming" : "connecting",
    remote: call.remote,
    muted: false,
    held: call.held,
    holding: false,
    holdFailed: false,
    transfer: "none",
    conference: false,
    consults,
    asked: undefined,
    answeredAt: undefined,
    duration: 0,
    digits: "",
    errorCode: undefined,
    quality: undefined,
  });
}
