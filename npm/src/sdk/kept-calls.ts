/**
 * What a tab keeps of its calls while they last, so that the page after a reload can take them back.
 *
 * It lies in the tab's own storage, which no other tab and no other site can read, and goes with the call. The name of a
 * dialog is as good as the call itself: whoever has it, and the same account, can take the other's place.
 */
import type { Call } from "./call.js";
import type { Driver } from "./driver.js";
import { SipError } from "./errors.js";
import { isReload } from "./instance-id.js";
import type { CallState, Held, Party } from "./types.js";

const CHANGES = ["statechange", "mutechange", "holdchange", "replaced", "ended"] as const;

/** One answered call. */
export interface KeptCall {
  /** What names its dialog: an address with Replaces inside (RFC 3891). */
  readonly dialog: string;
  readonly direction: "outgoing" | "incoming";
  readonly remote: Party;
  readonly local?: Party | undefined;
  /** When it was made or came in, and when it was answered. */
  readonly startedAt: number;
  readonly answeredAt: number;
  readonly muted: boolean;
  readonly held: boolean;
}

/** The kept calls of one user agent. */
export class KeptCalls {
  readonly #key: string;

  /** `owner` tells the user agents of a tab apart. */
  constructor(owner: string) {
    this.#key = `switchhook:calls:${owner}`;
  }

  /**
   * What the page before this one left. None where this one is another, which may be a copy of a tab that still talks: its
   * copy is thrown away, so that a reload of it takes nothing either.
   */
  read(): readonly KeptCall[] {
    try {
      if (!isReload()) sessionStorage.removeItem(this.#key);
      const text = sessionStorage.getItem(this.#key);
      const calls: unknown = JSON.parse(text ?? "[]");
      return Array.isArray(calls) ? calls.filter(isKept) : [];
    } catch {
      return [];
    }
  }

  /** Keeps what there is of all `calls` whenever this one changes: a crash gives no notice. */
  follow(call: Call, calls: () => readonly Call[]): void {
    const write = (): void => { this.#write(calls().flatMap((one) => one.kept ?? [])); };
    CHANGES.forEach((type) => { call.on(type, write); });
  }

  /** Without storage (a sandboxed frame) nothing is kept. */
  #write(calls: readonly KeptCall[]): void {
    try {
      if (calls.length > 0) sessionStorage.setItem(this.#key, JSON.stringify(calls));
      else sessionStorage.removeItem(this.#key);
    } catch {
      // The call ends with its page.
    }
  }
}

/** An answered call as it is kept, by what names its dialog. */
export function keptOf(call: Call, dialog: string | undefined): KeptCall | undefined {
  const { direction, remote, local, muted, held, startedAt, answeredAt, state } = call;
  if (state !== "active" || !dialog || !answeredAt) return undefined;
  const [started, answered] = [startedAt.getTime(), answeredAt.getTime()];
  return { dialog, direction, remote, local, startedAt: started, answeredAt: answered, muted, held: held.local };
}

/** How a call begins that another page had. */
export function recalled({ answeredAt, muted, held }: KeptCall): [CallState, Date, boolean, Held] {
  return ["reconnecting", new Date(answeredAt), muted, { local: held, remote: false }];
}

/** Has the core ask for it. */
export function takeBack(driver: Driver, call: Call): void {
  const { kept } = call;
  driver.start()
    .then(() => { if (kept && call.state !== "ended") driver.resume(call.listener, kept); })
    .catch((error: unknown) => { call.listener.handleFailure(SipError.from(error)); });
}

function isKept(value: unknown): value is KeptCall {
  const { dialog, remote } = (value ?? {}) as Partial<KeptCall>;
  return typeof dialog === "string" && typeof remote?.uri === "string";
}
