/**
 * A conference of this page and its calls, mixed here (no server takes part): everybody hears everybody else.
 *
 * It is shown as one thing, and its calls stay what they are: each can be held, muted, split off and hung up by itself.
 */
import { MixedCall } from "./audio/mix.js";
import type { Call } from "./call.js";
import { wrongState } from "./call-end.js";
import { TypedEventTarget } from "./events.js";
import { SipError } from "./errors.js";
import type { TransferResult } from "./transfer.js";

/** Calls of one conference: each costs the browser an encoder and its own sum. */
const MOST = 8;

/** Somebody came or went. */
export class ParticipantsChangeEvent extends Event {
  constructor(readonly participants: readonly Call[]) {
    super("participantschange");
  }
}

/** Fewer than two are left: the conference is over, and the call that is left goes on alone. */
export class ConferenceEndedEvent extends Event {
  constructor() {
    super("ended");
  }
}

/** The events of a `Conference`. */
export interface ConferenceEventMap {
  participantschange: ParticipantsChangeEvent;
  ended: ConferenceEndedEvent;
}

const conferences = new WeakMap<Call, Conference>();

/** @internal The conference that a call is in. */
export function conferenceOf(call: Call): Conference | undefined {
  return conferences.get(call);
}

/** @internal Puts two calls into one conference. */
export async function merge(one: Call, other: Call): Promise<Conference> {
  const conference = conferenceOf(one) ?? conferenceOf(other);
  if (!conference) return Conference.of([one, other]);
  await conference.add(conferenceOf(one) ? other : one);
  return conference;
}

/** Several calls whose sides all hear each other. */
export class Conference extends TypedEventTarget<ConferenceEventMap> {
  readonly #members = new Map<Call, MixedCall>();
  #ended = false;

  /** @internal Use `ua.conference()` or `call.merge()`. */
  static async of(calls: readonly Call[]): Promise<Conference> {
    if (new Set(calls).size < 2) throw new SipError({ code: "INVALID_ARGUMENT", message: "A conference has two calls or more." });
    const conference = new Conference();
    try {
      for (const call of calls) await conference.#take(call);
    } catch (thrown) {
      conference.#dissolve();
      throw SipError.from(thrown);
    }
    conference.#tell();
    return conference;
  }

  /** The calls in it, in the order they came. */
  get participants(): readonly Call[] {
    return [...this.#members.keys()];
  }

  /** Is it over? */
  get ended(): boolean {
    return this.#ended;
  }

  /** Does nobody hear the microphone? The others still hear each other. */
  get muted(): boolean {
    return !this.#ended && this.participants.every((call) => call.muted);
  }

  /** Does this page hold all of them? */
  get held(): boolean {
    return !this.#ended && this.participants.every((call) => call.held.local);
  }

  /** Takes another call in; one that is held is resumed first. Rejected with a `SipError` when that is refused. */
  async add(call: Call): Promise<void> {
    if (this.#ended) throw wrongState("This conference is over.");
    await this.#take(call);
    this.#tell();
  }

  /** Takes a call out, which goes on alone; held, unless `hold` is false. */
  async split(call: Call, { hold = true }: { hold?: boolean } = {}): Promise<void> {
    const member = this.#members.get(call);
    if (!member) throw wrongState("This call is not in the conference.");
    this.#drop(call);
    await member.end();
    if (hold) await call.hold();
  }

  /** Sends the microphone to nobody. */
  mute(): void {
    this.participants.forEach((call) => { call.mute(); });
  }

  /** Sends the microphone to everybody. */
  unmute(): void {
    this.participants.forEach((call) => { call.unmute(); });
  }

  /** Holds everybody: nobody hears anybody. Rejected when one refuses; the others are held all the same. */
  async hold(): Promise<void> {
    await all(this.participants.map((call) => call.hold()));
  }

  /** Ends the hold. */
  async resume(): Promise<void> {
    await all(this.participants.map((call) => call.resume()));
  }

  /** Leaves two others to themselves: one is transferred to the other (RFC 3891). More than two need this page. */
  async leave(): Promise<TransferResult> {
    const [first, second] = this.participants;
    if (!first || !second || this.#members.size > 2) throw wrongState("Exactly two others can be left to themselves.");
    return first.transfer(second, { hold: false });
  }

  /** Hangs everybody up. */
  end(): void {
    this.participants.forEach((call) => { call.hangUp(); });
  }

  async #take(call: Call): Promise<void> {
    if (call.state !== "active") throw wrongState("A call can join a conference while both sides talk.");
    if (conferences.has(call)) throw wrongState("The call is in a conference already.");
    if (this.#members.size >= MOST) throw wrongState(`A conference has at most ${String(MOST)} calls.`);
    conferences.set(call, this);
    const member = new MixedCall(call);
    this.#members.set(call, member);
    void call.ended.then(() => { this.#release(call, member); });
    call.addEventListener("holdchange", () => { this.#route(); }, { signal: member.over });
    try {
      if (call.held.local) await call.resume();
      this.#assertMember(call, member);
      await member.begin();
      this.#assertMember(call, member);
    } catch (thrown) {
      this.#release(call, member);
      throw SipError.from(thrown);
    }
    this.#route();
  }

  /** While it was waited for, it, or all the others, may have hung up. */
  #assertMember(call: Call, member: MixedCall): void {
    if (this.#members.get(call) !== member) throw wrongState("The conference was over before this call was part of it.");
  }

  /** Everybody hears everybody else, but for those on hold: their music is not for the others, nor the others for them. */
  #route(): void {
    const talking = [...this.#members].filter(([call]) => !call.held.local && !call.held.remote);
    for (const [call, member] of this.#members) {
      const isTalking = talking.some(([other]) => other === call);
      member.hear(isTalking ? talking.filter(([other]) => other !== call).map(([, other]) => other) : []);
    }
  }

  /** A call is over, or was not to be had. */
  #release(call: Call, member: MixedCall): void {
    if (this.#members.get(call) !== member) return;
    void member.end();
    this.#drop(call);
  }

  #drop(call: Call): void {
    this.#members.delete(call);
    conferences.delete(call);
    if (this.#members.size < 2) this.#dissolve();
    else this.#route();
    this.#tell();
    if (this.#ended) this.dispatchEvent(new ConferenceEndedEvent());
  }

  /** Whoever is left talks to this page alone. */
  #dissolve(): void {
    this.#ended = true;
    for (const [call, member] of this.#members) {
      conferences.delete(call);
      void member.end();
    }
    this.#members.clear();
  }

  #tell(): void {
    this.dispatchEvent(new ParticipantsChangeEvent(this.participants));
  }
}

/** Fulfilled when all are, rejected when all are done and one failed. */
async function all(done: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(done)).find((each) => each.status === "rejected");
  if (failed) throw SipError.from(failed.reason);
}
