/** When the quality of a call is worth a warning, and when it is good again. Values only: intervals in, changes out. */
import type { QualityReport } from "./report.js";

/** What is wrong with a call. */
export type QualityWarningCode = "LOSS_SENT" | "LOSS_RECEIVED" | "JITTER_RECEIVED" | "DELAY" | "NO_SOUND_RECEIVED" | "SILENCE_SENT" | "SILENCE_RECEIVED";

/** Something about a call is bad, and whose line it is on. */
export interface QualityWarning {
  readonly code: QualityWarningCode;
  /** `here`: the microphone, network or machine of this page. `there`: whatever lies behind the server. */
  readonly leg: "here" | "there";
  /** What a person can do about it. */
  readonly message: string;
}

/** What a call was meant to do in an interval. */
export interface Expected {
  /** Is the microphone to be heard: neither muted nor held? */
  readonly sends: boolean;
  /** Is the other side to be heard: not held? */
  readonly receives: boolean;
}

interface Rule extends QualityWarning {
  /** Bad intervals in a row until it is raised; as many good ones clear it. */
  readonly patience: number;
  /** Undefined: this interval says nothing. */
  isBad(report: QualityReport, expected: Expected): boolean | undefined;
}

/** What a microphone that works never falls below for long, as WebRTC's linear level. */
const DEAD = 0.0001;

const RULES: readonly Rule[] = [
  {
    code: "LOSS_SENT", leg: "here", patience: 3, message: "Your voice arrives with gaps: your network loses packets on the way out. Come closer to the Wi-Fi, or use a cable.",
    isBad: ({ sent }) => sent.loss === undefined ? undefined : sent.loss > 0.05,
  },
  {
    code: "LOSS_RECEIVED", leg: "here", patience: 3, message: "You hear gaps: your network loses packets on the way in. Come closer to the Wi-Fi, or use a cable.",
    isBad: ({ received }) => received.loss === undefined ? undefined : received.loss > 0.05,
  },
  {
    code: "JITTER_RECEIVED", leg: "here", patience: 3, message: "Your network is uneven. Stop downloads and other calls on it.",
    isBad: ({ received }) => received.jitter === undefined ? undefined : received.jitter > 60,
  },
  {
    code: "DELAY", leg: "here", patience: 3, message: "Your network is slow, so both of you hear each other late. Use another network.",
    isBad: ({ roundTrip }) => roundTrip === undefined ? undefined : roundTrip > 400,
  },
  {
    code: "NO_SOUND_RECEIVED", leg: "here", patience: 3, message: "No sound arrives here at all. A firewall or a lost network may be the cause: reconnect, or use another network.",
    isBad: ({ received }, { receives }) => receives ? received.packets === 0 : undefined,
  },
  {
    code: "SILENCE_SENT", leg: "here", patience: 5, message: "Your microphone gives no sound. Choose another one, or switch it on.",
    isBad: ({ sent }, { sends }) => sends && sent.level !== undefined ? sent.level < DEAD : undefined,
  },
  {
    code: "SILENCE_RECEIVED", leg: "there", patience: 10, message: "The line works, but the other side is silent: their microphone may be off.",
    isBad: ({ received }, { receives }) => receives && received.packets > 0 && received.level !== undefined ? received.level < DEAD : undefined,
  },
];

/** A warning that came or went. */
export interface WarningChange {
  readonly warning: QualityWarning;
  readonly cleared: boolean;
}

/** The warnings of one call. */
export class Warnings {
  readonly #streaks = new Map<Rule, number>();
  readonly #raised = new Set<Rule>();

  /** Those that stand. */
  get current(): readonly QualityWarning[] {
    return [...this.#raised].map(plain);
  }

  /** One interval more. */
  handleReport(report: QualityReport, expected: Expected): WarningChange[] {
    return RULES.flatMap((rule) => this.#judge(rule, rule.isBad(report, expected)));
  }

  #judge(rule: Rule, isBad: boolean | undefined): WarningChange[] {
    const stands = this.#raised.has(rule);
    const streak = isBad === undefined || isBad === stands ? 0 : (this.#streaks.get(rule) ?? 0) + 1;
    this.#streaks.set(rule, streak);
    if (streak < rule.patience) return [];
    this.#streaks.set(rule, 0);
    if (stands) this.#raised.delete(rule);
    else this.#raised.add(rule);
    return [{ warning: plain(rule), cleared: stands }];
  }
}

function plain({ code, leg, message }: Rule): QualityWarning {
  return { code, leg, message };
}
