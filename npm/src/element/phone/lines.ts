/** The calls of a `<web-phone>`: which there are, which one is shown, and that only one of them is talked to at a time. */
import type { Call, CallEnd } from "../../index.js";
import { Line } from "./line.js";
import type { PhoneCall } from "./state.js";

/** Who hears of them. */
export interface LinesListener {
  /** Something is to be shown anew. */
  onChange(): void;
  onCall(call: Call, id: number): void;
  onEnd(line: Line, end: CallEnd): void;
}

/** All calls of one phone. */
export class Lines {
  readonly #listener: LinesListener;
  readonly #lines = new Map<number, Line>();
  #shown: number | undefined;
  /** The last call, which is over and still shown. */
  #outcome: PhoneCall | undefined;
  #count = 0;

  constructor(listener: LinesListener) {
    this.#listener = listener;
  }

  /** The calls as they are shown, oldest first. */
  get calls(): readonly PhoneCall[] {
    return [...this.#lines.values()].map(({ state }) => state);
  }

  /** The one that is shown; an outcome only while there is nothing else. */
  get shown(): PhoneCall | undefined {
    return this.current?.state ?? this.#outcome;
  }

  /** The line that is shown. */
  get current(): Line | undefined {
    return this.#shown === undefined ? undefined : this.#lines.get(this.#shown);
  }

  line(id: number): Line | undefined {
    return this.#lines.get(id);
  }

  /** One call more. It is shown where it is the person's own, or the only one. */
  add(call: Call): Line {
    return this.#adopt(new Line(++this.#count, call, this.#hearing()));
  }

  /** Calls somebody to ask first whether a call may be transferred to them. */
  consult(first: Line, target: string): void {
    const consultation = first.call.consult(target); // It holds the first call itself.
    this.#adopt(new Line(++this.#count, consultation.call, this.#hearing(), consultation, first.id), first);
  }

  /** Talks to this one: all others are held. */
  select(id: number): void {
    const line = this.#lines.get(id);
    if (!line) return;
    this.#show(line);
    void line.setHeld(false);
  }

  /** Lets everybody hear everybody: all calls whose sides talk or are held. One that refuses stays as it was. */
  async merge(): Promise<void> {
    const line = this.current;
    if (!line?.isActive) return;
    for (const other of [...this.#lines.values()]) {
      if (other === line || !other.isActive || other.isWith(line)) continue;
      const conference = await line.call.merge(other.call).catch(() => undefined);
      conference?.on("participantschange", this.#showConference);
      this.#showConference();
    }
  }

  /** Talks to the one that is shown alone; the others are held. */
  async separate(): Promise<void> {
    const line = this.current;
    if (!line) return;
    await line.call.conference?.split(line.call, { hold: false }).catch(() => undefined);
    this.#show(line);
  }

  readonly #showConference = (): void => {
    for (const line of this.#lines.values()) line.showConference();
  };

  /** Answers, and holds whoever was talked to. */
  answer(id: number): void {
    const line = this.#lines.get(id);
    if (!line) return;
    this.#show(line);
    line.answer();
  }

  /** Puts the outcome of the last call away. */
  dismiss(): void {
    this.#outcome = undefined;
    this.#listener.onChange();
  }

  /** Hangs all calls up, and forgets them. */
  clear(): void {
    [...this.#lines.values()].forEach(({ call }) => { call.hangUp(); });
    this.#lines.clear();
    this.#shown = this.#outcome = undefined;
  }

  #adopt(line: Line, held?: Line): Line {
    this.#outcome = undefined;
    this.#lines.set(line.id, line);
    if (line.call.direction === "outgoing") this.#show(line, held);
    else this.#shown ??= line.id;
    this.#listener.onCall(line.call, line.id);
    this.#listener.onChange();
    return line;
  }

  /** Holds all others, but for those in its conference and one that somebody holds already. */
  #show(line: Line, held?: Line): void {
    for (const other of this.#lines.values()) {
      if (other !== line && other !== held && !other.isWith(line)) void other.setHeld(true);
    }
    this.#shown = line.id;
    this.#listener.onChange();
  }

  #hearing(): ConstructorParameters<typeof Line>[2] {
    return {
      onChange: () => { this.#listener.onChange(); },
      onActive: (line) => { if (line.id !== this.#shown) void line.setHeld(true); },
      onEnd: (line, end) => { this.#end(line, end); },
    };
  }

  #end(line: Line, end: CallEnd): void {
    if (!this.#lines.delete(line.id)) return;
    if (this.#shown === line.id) {
      const next = this.#lines.get(line.state.consults ?? -1) ?? [...this.#lines.values()].at(-1);
      this.#shown = next?.id;
      if (!next) this.#outcome = line.state;
    }
    this.#listener.onEnd(line, end);
    this.#listener.onChange();
  }
}
