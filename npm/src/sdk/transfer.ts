/**
 * Transfers: of a call to somebody else, with or without talking to them first, and those that the other side asks for.
 *
 * Three calls are joined here, and nothing is decided about SIP: the core knows how far a transfer is.
 */
import type { Call } from "./call.js";
import { deferred } from "./deferred.js";
import { defined } from "./defined.js";
import type { EventOf } from "./driver.js";
import { SipError } from "./errors.js";
import { TransferProgressEvent, TransferRequestEvent } from "./events.js";
import type { Party } from "./types.js";
import type { CallOptions } from "./user-agent-options.js";

/** How to transfer a call. */
export interface TransferOptions {
  /** Stops waiting, and rejects; what the other side has begun goes on without us. */
  signal?: AbortSignal;
  /** Headers added to the REFER. */
  headers?: [string, string][];
  /** Hold the call meanwhile, and resume it if the transfer fails (RFC 5589 §6.1)? Default `true`. */
  hold?: boolean;
  /** Ask for news of the transfer? Default `true`; otherwise the other side's agreement counts as success (RFC 4488). */
  subscribe?: boolean;
}

/** A transfer that succeeded. */
export interface TransferResult {
  /** The SIP status: of the new call, or of the other side's agreement. */
  readonly status: number;
  /** Is the new call known to be answered? Not where the other side gives no news. */
  readonly confirmed: boolean;
}

/** What a policy may say of a transfer that the other side asks for. */
export type TransferDecision = "ask" | "accept" | "refuse";

/** What is done when the other side asks for a transfer: leave it to listeners of `transferrequest`, or decide. */
export type TransferPolicy = TransferDecision | ((request: TransferRequest) => TransferDecision);

/** What the other side of a call asks for: that this page calls somebody in its place. */
export class TransferRequest {
  /** Whom to call. */
  readonly target: string;
  /** Who asks, by its own words. */
  readonly referredBy: Party | undefined;
  /** Is the target in a call already, whose other side this page would replace? */
  readonly replaces: boolean;
  readonly #accept: (options: CallOptions) => Call;
  readonly #reject: (status: number) => void;
  #call: Call | undefined;

  /** @internal Comes with `transferrequest`, and to a policy. */
  constructor(
    asked: { target: string; referredBy?: Party | undefined; replaces: boolean },
    accept: (options: CallOptions) => Call,
    reject: (status: number) => void,
  ) {
    this.target = asked.target;
    this.referredBy = asked.referredBy;
    this.replaces = asked.replaces;
    this.#accept = accept;
    this.#reject = reject;
  }

  /** The new call, once this was accepted, by whomever. */
  get call(): Call | undefined {
    return this.#call;
  }

  /** Calls the target. The other side hears how it goes, and hangs the old call up when the new one is answered. */
  accept(options: CallOptions = {}): Call {
    this.#call ??= this.#accept(options);
    return this.#call;
  }

  /** Refuses: 603 (declined) unless you name another status, such as 403 (forbidden). */
  reject(status = 603): void {
    this.#reject(status);
  }

  /** @internal Does what the policy says. Returns whether the page is to hear of it. */
  follow(policy: TransferPolicy): boolean {
    const decision = typeof policy === "function" ? this.#ask(policy) : policy;
    if (decision === "accept") this.accept();
    else if (decision === "refuse") this.reject();
    return decision !== "refuse";
  }

  /** A policy that throws refuses. */
  #ask(policy: Exclude<TransferPolicy, string>): TransferDecision {
    try {
      return policy(this);
    } catch (thrown) {
      reportError(thrown);
      return "refuse";
    }
  }
}

/** @internal The other side of `call` asks for a transfer: the policy decides, or the listeners. */
export function consider(call: Call, kin: CallKin, asked: EventOf<"transferRequest">, reject: (status: number) => void): void {
  const request = new TransferRequest(asked, (options) => kin.follow(call, asked.target, options), reject);
  if (request.follow(kin.policy)) call.dispatchEvent(new TransferRequestEvent(request));
}

/** @internal Who hears how a transfer goes. */
export interface TransferListener {
  handleChange(event: EventOf<"transferChange">): void;
  handleFailure(error: SipError): void;
}

/** @internal What the core is told of a transfer. */
export interface CoreTransfer {
  headers?: [string, string][];
  subscribe?: boolean;
}

/** @internal How a call is sent on: the command that the driver gives to the core. */
export type SendTransfer = (options: CoreTransfer, listener: TransferListener) => void;

/** How long a hold may delay a transfer, in milliseconds. */
const HOLD = 4_000;
/** How long the other call may live on after an attended transfer before we end it ourselves, in milliseconds. */
const FAREWELL = 5_000;

/** @internal Runs one transfer of a call. */
export async function transfer(call: Call, send: SendTransfer, options: TransferOptions): Promise<TransferResult> {
  const { signal, hold = true, headers, subscribe } = options;
  if (signal?.aborted) throw abandoned();
  if (call.state !== "active") throw wrongState("A call can be transferred while both sides talk.");
  const holds = hold && !call.held.local && await isHeld(call);
  try {
    return await outcome(call, (listener) => { send(defined({ headers, subscribe }), listener); }, signal);
  } catch (thrown) {
    if (holds) call.resume().catch(ignore);
    throw SipError.from(thrown);
  }
}

/** A call to somebody that may end in a transfer to them: the first call waits on hold. */
export class Consultation {
  readonly #first: Call;
  readonly #target: string;
  readonly #silent: Promise<void>;
  #stage: "open" | "completing" | "over" = "open";

  /** @internal Use `call.consult()`. */
  constructor(first: Call, readonly call: Call, target: string) {
    this.#first = first;
    this.#target = target;
    // Who does not let itself be held must not hear the consultation.
    this.#silent = first.held.local ? Promise.resolve() : first.hold().catch(() => { if (first.state === "active") first.mute(); });
    void call.ended.then(() => { if (this.#stage === "open") this.#resume().catch(ignore); });
  }

  /**
   * Connects the first call with the consulted one and leaves both. While it still rings there, the consultation is given
   * up and the first call transferred without it. Rejected with a `SipError` when that fails: both calls are as they were.
   */
  async complete(options: TransferOptions = {}): Promise<TransferResult> {
    if (this.#stage !== "open") throw wrongState("This consultation is over.");
    this.#stage = "completing";
    try {
      await this.#silent;
      const result = await this.#connect({ ...options, hold: false });
      this.#stage = "over";
      return result;
    } catch (thrown) {
      this.#stage = "open";
      if (this.call.state === "ended") this.#resume().catch(ignore);
      throw thrown;
    }
  }

  /** Ends the consultation and resumes the first call. */
  async cancel(): Promise<void> {
    if (this.#stage === "completing") throw wrongState("The transfer is under way.");
    this.call.hangUp();
    await this.#resume();
  }

  async #connect(options: TransferOptions): Promise<TransferResult> {
    if (this.call.state !== "active") {
      this.call.hangUp();
      await this.call.ended;
      return this.#first.transfer(this.#target, options);
    }
    const result = await this.#first.transfer(this.call, options);
    // Whoever took our place ends it (RFC 3891); if not, we do.
    await Promise.race([this.call.ended, new Promise((resolve) => setTimeout(resolve, FAREWELL))]);
    this.call.hangUp();
    return result;
  }

  async #resume(): Promise<void> {
    if (this.#stage === "over") return;
    this.#stage = "over";
    await this.#silent;
    if (this.#first.state !== "active") return;
    if (!this.#first.held.local) { this.#first.unmute(); return; }
    await this.#first.resume().catch((thrown: unknown) => { if (this.#first.state === "active") throw thrown; });
  }
}

function outcome(
  call: Call,
  send: (listener: TransferListener) => void,
  signal: AbortSignal | undefined,
): Promise<TransferResult> {
  if (signal?.aborted) throw abandoned();
  const result = deferred<TransferResult>();
  const handleAbort = (): void => { result.reject(abandoned()); };
  signal?.addEventListener("abort", handleAbort);
  send({
    handleChange: ({ state, status, confirmed, error }) => {
      if (state === "succeeded") result.resolve({ status: status ?? 200, confirmed });
      else if (state === "failed") result.reject(error ? SipError.fromInfo(error) : abandoned());
      else call.dispatchEvent(new TransferProgressEvent(state, status));
    },
    handleFailure: (error) => { result.reject(error); },
  });
  return result.promise.finally(() => { signal?.removeEventListener("abort", handleAbort); });
}

async function isHeld(call: Call): Promise<boolean> {
  const held = call.hold().then(() => true, () => false);
  return Promise.race([held, new Promise<boolean>((resolve) => setTimeout(() => { resolve(true); }, HOLD))]);
}

function abandoned(): SipError {
  return new SipError({ code: "CANCELLED", message: "The transfer is not waited for any more." });
}

function wrongState(message: string): SipError {
  return new SipError({ code: "WRONG_STATE", message });
}

function ignore(): void {
  // The call may have ended meanwhile.
}

/** @internal What a call knows of the user agent it belongs to. */
export interface CallKin {
  /** Calls somebody else. */
  call(target: string, options: CallOptions): Call;
  /** Makes the call that the other side of `asked` asked for. */
  follow(asked: Call, target: string, options: CallOptions): Call;
  /** The calls that are not over. */
  all(): readonly Call[];
  readonly policy: TransferPolicy;
}
