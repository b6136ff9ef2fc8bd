/**
 * The state of one `<web-phone>`: requests come in, facts of the SDK become state. It knows nothing of the DOM.
 *
 * Several calls, one of them talked to; beside them the desk of the account (`desk.ts`).
 */
import { type Account, type Call, type CallEnd, SipError, type SipErrorCode, UserAgent } from "../../index.js";
import { Store } from "../store.js";
import { Desk } from "./desk.js";
import type { Line } from "./line.js";
import { Lines } from "./lines.js";
import { PhoneLog, saveText } from "./log.js";
import { mayNotify } from "./notify.js";
import type { PhoneRequest } from "./requests.js";
import { type PhoneState, SIGNED_OUT } from "./state.js";

/** What happened in the SDK, for events. */
export interface PhoneListener {
  onCall(call: Call): void;
  onEnd(call: Call, end: CallEnd): void;
}

/** More would be nobody's to oversee; a further caller hears "busy". */
const MOST_CALLS = 6;

/** One phone's state. */
export class PhoneStore extends Store<PhoneState> {
  readonly #listener: PhoneListener;
  readonly #log = new PhoneLog();
  readonly #lines = new Lines({
    onChange: () => { this.#showCalls(); },
    onCall: (call, id) => { this.#log.followCall(call, id); this.#listener.onCall(call); },
    onEnd: (line, end) => { this.#end(line, end); },
  });
  #agent: UserAgent | undefined;
  #desk: Desk | undefined;

  constructor(listener: PhoneListener) {
    super(SIGNED_OUT);
    this.#listener = listener;
  }

  /** Carries a request out. */
  dispatch(request: PhoneRequest): void {
    switch (request.type) {
      case "signIn": void this.#signIn(request.server, request.account); break;
      case "signOut": this.#signOut(undefined); break;
      case "call": this.#dial(request.target); break;
      case "callVoicemail": this.#dial(this.state.voicemail?.account ?? ""); break;
      case "answer": this.#answer(request.id ?? this.state.call?.id); break;
      case "decline": this.#line(request.id)?.call.reject(); break;
      case "select": this.#lines.select(request.id); this.update({ view: "talk" }); break;
      case "view": this.#view(request.view); break;
      case "unlock": void this.#unlock(); break;
      case "dismiss": this.#lines.dismiss(); break;
      case "saveLog": saveText("web-phone-log.txt", this.#log.text()); break;
      case "notifications": void this.#notify(request.on); break;
      default: this.#tellLine(request); this.#tellDesk(request);
    }
  }

  #tellLine(request: PhoneRequest): void {
    const line = this.#lines.current;
    if (!line) return;
    switch (request.type) {
      case "hangUp": line.call.hangUp(); break;
      case "mute": line.setMuted(request.muted); break;
      case "hold": if (!line.state.holding) void line.setHeld(request.held); break;
      case "digits": line.sendDigits(request.digits); break;
      case "transfer": if (request.target !== "") void line.transfer(request.target); break;
      case "consult": if (line.isActive && request.target !== "") this.#lines.consult(line, request.target); break;
      case "join": void line.transfer(this.#lines.line(request.id) ?? ""); break;
      case "merge": void this.#lines.merge(); break;
      case "separate": void this.#lines.separate(); break;
      case "complete": void line.complete(); break;
      case "followTransfer": this.#followTransfer(line); break;
      case "refuseTransfer": line.refuse(); break;
    }
  }

  #tellDesk(request: PhoneRequest): void {
    const desk = this.#desk;
    if (!desk) return;
    switch (request.type) {
      case "clearHistory": desk.clearHistory(); break;
      case "addContact": desk.addContact(request.contact); break;
      case "removeContact": desk.removeContact(request.contact); break;
      case "chat": this.update({ view: "messages" }); desk.openChat(request.uri); break;
      case "message": void desk.send(request.uri, request.text); break;
      case "input": case "output": case "ringer": void desk.choose(request.type, request.id); break;
      case "doNotDisturb": desk.setDoNotDisturb(request.on); break;
      case "testMicrophone": void desk.testMicrophone(); break;
    }
  }

  async #signIn(server: string, account: Account): Promise<void> {
    if (this.state.session !== "out") return;
    const shown = { ...account };
    delete shown.password;
    this.update({ ...SIGNED_OUT, session: "signingIn", account: shown });
    let agent: UserAgent | undefined;
    try {
      agent = this.#agent = this.#watch(new UserAgent({ server, account, maxCalls: MOST_CALLS }));
      await agent.ready;
      if (agent === this.#agent) this.#enter(agent, account);
    } catch (error) {
      if (agent === this.#agent) this.#signOut(SipError.from(error).code);
    }
  }

  #enter(agent: UserAgent, account: Account): void {
    const current = (change: Partial<PhoneState>): void => { if (agent === this.#agent) this.update(change); };
    this.update({ session: "in" });
    this.#desk = new Desk(account.uri, agent, () => this.state, current);
    this.#desk.open();
  }

  #signOut(problem: SipErrorCode | undefined): void {
    const agent = this.#agent;
    this.#lines.clear(); // Before the desk is closed, which remembers them.
    this.#desk?.close();
    this.#agent = this.#desk = undefined;
    void agent?.close();
    this.update({ ...SIGNED_OUT, problem });
  }

  #watch(agent: UserAgent): UserAgent {
    const current = (change: Partial<PhoneState>): void => { if (agent === this.#agent) this.update(change); };
    this.#log.follow(agent);
    return agent
      .on("connectionchange", ({ state }) => { current({ connection: state }); })
      .on("registrationchange", ({ state }) => { current({ registration: state }); })
      .on("playbackblocked", () => { current({ blocked: true }); })
      .on("refusedcall", ({ remote }) => { this.#desk?.rememberMissed(remote); })
      .on("incomingcall", ({ call }) => { this.#ring(call); });
  }

  #dial(target: string): void {
    if (!this.#agent || this.state.session !== "in" || target === "" || this.#lines.calls.length >= MOST_CALLS) return;
    this.#lines.add(this.#agent.call(target));
    this.update({ view: "talk", blocked: false });
  }

  #ring(call: Call): void {
    const isFirst = this.#lines.calls.length === 0;
    this.#lines.add(call);
    if (isFirst) this.update({ view: "talk", blocked: false });
  }

  #answer(id: number | undefined): void {
    if (id === undefined) return;
    this.#lines.answer(id);
    this.update({ view: "talk" });
  }

  #followTransfer(line: Line): void {
    const call = line.follow();
    if (call) this.#lines.add(call);
  }

  #line(id: number | undefined): Line | undefined {
    return id === undefined ? this.#lines.current : this.#lines.line(id);
  }

  #view(view: PhoneState["view"]): void {
    this.update({ view: view === "talk" && !this.state.call ? "keypad" : view });
    if (view === "messages") this.#desk?.openChat(undefined);
    if (view === "settings") void this.#desk?.showDevices();
  }

  #end({ call }: Line, end: CallEnd): void {
    this.update({ blocked: false });
    this.#desk?.remember(call, end);
    this.#listener.onEnd(call, end);
  }

  #showCalls(): void {
    const { calls, shown } = this.#lines;
    const view = this.state.view === "talk" && !shown ? "keypad" : this.state.view;
    this.update({ calls, call: shown, view });
  }

  async #notify(on: boolean): Promise<void> {
    const allowed = on && (await mayNotify());
    this.#desk?.setNotifications(allowed);
  }

  async #unlock(): Promise<void> {
    await this.#agent?.unlock();
    this.update({ blocked: false });
  }
}
