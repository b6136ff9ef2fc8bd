/**
 * The state of one `<web-phone>`: requests come in, facts of the SDK become state. It knows nothing of the DOM.
 *
 * One conversation at a time: who calls during one hears "busy".
 */
import {
  type Account,
  type Call,
  type CallEnd,
  type ConnectionState,
  type Held,
  type Party,
  type RegistrationState,
  SipError,
  type SipErrorCode,
  UserAgent,
} from "../index.js";
import { Store } from "./store.js";

/** Where a call of the phone stands. */
export type PhoneCallPhase = "incoming" | "connecting" | "ringing" | "active" | "ended" | "error";

/** The call that is shown. */
export interface PhoneCall {
  readonly direction: "outgoing" | "incoming";
  readonly phase: PhoneCallPhase;
  readonly remote: Party;
  readonly muted: boolean;
  readonly held: Held;
  /** A hold or resume waits for the other side. */
  readonly holding: boolean;
  /** The last one was refused. */
  readonly holdFailed: boolean;
  /** When both sides began to talk, in milliseconds since the epoch. */
  readonly answeredAt: number | undefined;
  /** Milliseconds of conversation, once the call is over. */
  readonly duration: number;
  readonly digits: string;
  readonly errorCode: SipErrorCode | undefined;
}

/** Everything the phone shows. */
export interface PhoneState {
  /** `in` once the server has accepted the account. */
  readonly session: "out" | "signingIn" | "in";
  readonly account: Account | undefined;
  readonly connection: ConnectionState;
  readonly registration: RegistrationState;
  /** Why signing in failed. */
  readonly problem: SipErrorCode | undefined;
  readonly call: PhoneCall | undefined;
  /** The browser holds the sound back. */
  readonly blocked: boolean;
}

/** What a page or a person wants. */
export type PhoneRequest =
  | { readonly type: "signIn"; readonly server: string; readonly account: Account }
  | { readonly type: "call"; readonly target: string }
  | { readonly type: "digits"; readonly digits: string }
  | { readonly type: "mute"; readonly muted: boolean }
  | { readonly type: "hold"; readonly held: boolean }
  | { readonly type: "signOut" | "answer" | "decline" | "hangUp" | "dismiss" | "unlock" };

/** What happened in the SDK, for events. */
export interface PhoneListener {
  onCall(call: Call): void;
  onEnd(call: Call, end: CallEnd): void;
}

const SIGNED_OUT: PhoneState = {
  session: "out",
  account: undefined,
  connection: "disconnected",
  registration: "unregistered",
  problem: undefined,
  call: undefined,
  blocked: false,
};

/** One phone's state. */
export class PhoneStore extends Store<PhoneState> {
  readonly #listener: PhoneListener;
  #agent: UserAgent | undefined;
  #call: Call | undefined;

  constructor(listener: PhoneListener) {
    super(SIGNED_OUT);
    this.#listener = listener;
  }

  /** Carries a request out; one that does not fit the moment is ignored. */
  dispatch(request: PhoneRequest): void {
    switch (request.type) {
      case "signIn": void this.#signIn(request.server, request.account); break;
      case "signOut": this.#signOut(undefined); break;
      case "call": this.#dial(request.target); break;
      case "answer": this.#answer(); break;
      case "decline": this.#call?.reject(); break;
      case "hangUp": this.#call?.hangUp(); break;
      case "mute": if (request.muted) this.#call?.mute(); else this.#call?.unmute(); break;
      case "hold": void this.#hold(request.held); break;
      case "digits": if (this.#call?.state === "active") this.#call.sendDigits(request.digits); break;
      case "dismiss": if (!this.#call) this.update({ call: undefined }); break;
      case "unlock": void this.#unlock(); break;
    }
  }

  async #signIn(server: string, account: Account): Promise<void> {
    if (this.state.session !== "out") return;
    this.update({ ...SIGNED_OUT, session: "signingIn", account });
    let agent: UserAgent | undefined;
    try {
      agent = this.#agent = this.#watch(new UserAgent({ server, account }));
      await agent.ready;
      if (agent === this.#agent) this.update({ session: "in" });
    } catch (error) {
      if (agent === this.#agent) this.#signOut(SipError.from(error).code);
    }
  }

  #signOut(problem: SipErrorCode | undefined): void {
    const agent = this.#agent;
    this.#agent = undefined;
    this.#call = undefined;
    void agent?.close();
    this.update({ ...SIGNED_OUT, problem });
  }

  #watch(agent: UserAgent): UserAgent {
    const current = (change: Partial<PhoneState>): void => { if (agent === this.#agent) this.update(change); };
    return agent
      .on("connectionchange", ({ state }) => { current({ connection: state }); })
      .on("registrationchange", ({ state }) => { current({ registration: state }); })
      .on("playbackblocked", () => { current({ blocked: true }); })
      .on("incomingcall", ({ call }) => { this.#ring(call); });
  }

  #dial(target: string): void {
    if (this.#call || !this.#agent || this.state.session !== "in" || target === "") return;
    this.#follow(this.#agent.call(target), "connecting");
  }

  #ring(call: Call): void {
    if (this.#call) call.reject(486);
    else this.#follow(call, "incoming");
  }

  #answer(): void {
    if (this.state.call?.phase !== "incoming") return;
    this.#change({ phase: "connecting" });
    this.#call?.answer();
  }

  #follow(call: Call, phase: PhoneCallPhase): void {
    this.#call = call;
    const { direction, remote } = call;
    const fresh = { muted: false, held: call.held, holding: false, holdFailed: false, answeredAt: undefined, duration: 0, digits: "", errorCode: undefined };
    this.update({ call: { direction, remote, phase, ...fresh }, blocked: false });
    call
      .on("statechange", () => { this.#enter(call); })
      .on("mutechange", ({ muted }) => { this.#change({ muted }); })
      .on("holdchange", ({ held }) => { this.#change({ held, holdFailed: false }); })
      .on("digitsent", ({ digit }) => { this.#change({ digits: (this.state.call?.digits ?? "") + digit }); })
      .on("ended", ({ end }) => { this.#end(call, end); });
    this.#listener.onCall(call);
  }

  #enter(call: Call): void {
    const { state, remote, answeredAt } = call;
    if (state === "active") this.#change({ phase: "active", remote, answeredAt: answeredAt?.getTime() });
    else if (call.direction === "outgoing" && (state === "ringing" || state === "early")) this.#change({ phase: "ringing", remote });
  }

  async #hold(held: boolean): Promise<void> {
    const call = this.#call;
    if (call?.state !== "active" || this.state.call?.holding) return;
    this.#change({ holding: true, holdFailed: false });
    const failed = await (held ? call.hold() : call.resume()).then(() => false, () => true);
    if (call === this.#call) this.#change({ holding: false, holdFailed: failed });
  }

  #end(call: Call, end: CallEnd): void {
    if (call !== this.#call) return;
    this.#call = undefined;
    this.#change({ phase: end.error ? "error" : "ended", errorCode: end.error?.code, duration: call.duration });
    this.update({ blocked: false });
    this.#listener.onEnd(call, end);
  }

  #change(change: Partial<PhoneCall>): void {
    if (this.state.call) this.update({ call: Object.freeze({ ...this.state.call, ...change }) });
  }

  async #unlock(): Promise<void> {
    await this.#agent?.unlock();
    this.update({ blocked: false });
  }
}
