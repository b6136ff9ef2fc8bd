/**
 * Calls that ask to be answered by themselves: intercoms, paging, a desk phone's "call by the web" (RFC 5373, and what
 * PBXs say in Alert-Info and Call-Info). A microphone opens without a click, so nothing happens unless the page allows it.
 */
import type { Call } from "./call.js";
import type { HeaderRows } from "./received-headers.js";

/** What a caller asks for. */
export interface AutoAnswerRequest {
  /** Seconds to ring before. */
  readonly delay: number;
  /** The caller wants the call refused rather than rung (RFC 5373 §4.1). */
  readonly required: boolean;
}

/**
 * Which calls may answer themselves: none; those whose caller the server vouches for (`identity.asserted`); or those that a
 * function allows.
 */
export type AutoAnswerPolicy = false | "trusted" | ((call: Call, request: AutoAnswerRequest) => boolean);

/** Seconds; who asks for more means something else. */
const LONGEST_DELAY = 60;
/** What PBXs write into Alert-Info: `;info=alert-autoanswer`, `info="Auto Answer"`, `;intercom=true`, Polycom's ring class. */
const ALERT = /[;\s]info\s*=\s*"?(?:alert-autoanswer|auto[- ]?answer)|ring[- ]answer|intercom\s*=\s*true|service:auto-answer/i;

/** @internal What the INVITE asks for. */
export function autoAnswerRequest(rows: HeaderRows): AutoAnswerRequest | undefined {
  const values = (name: string): string[] => rows.filter(([own]) => own.toLowerCase() === name).map(([, value]) => value);
  const mode = [...values("answer-mode"), ...values("priv-answer-mode")].find((value) => /^\s*auto\s*(;|$)/i.test(value));
  if (mode !== undefined) return { delay: 0, required: /;\s*require\b/i.test(mode) };
  const after = values("call-info").map((value) => /;\s*answer-after\s*=\s*(\d{1,3})\b/i.exec(value)?.[1]).find((delay) => delay !== undefined);
  if (after !== undefined && Number(after) <= LONGEST_DELAY) return { delay: Number(after), required: false };
  const alert = values("alert-info").find((value) => ALERT.test(value));
  if (alert === undefined) return undefined;
  const delay = Number(/;\s*delay\s*=\s*(\d{1,2})\b/i.exec(alert)?.[1] ?? 0);
  return { delay: Math.min(delay, LONGEST_DELAY), required: false };
}

/** @internal Answers, refuses or leaves a call alone that has just begun to ring. */
export function autoAnswer(call: Call, policy: AutoAnswerPolicy): void {
  const request = call.autoAnswer;
  if (!request || !call.isUndecided) return;
  if (!allows(policy, call, request)) {
    if (request.required) call.reject(403);
    return;
  }
  const answer = (): void => {
    if (call.isUndecided) call.answer({ headers: [["Answer-Mode", "Auto"]] });
  };
  if (request.delay === 0) {
    answer();
    return;
  }
  const timer = setTimeout(answer, request.delay * 1_000);
  void call.ended.then(() => { clearTimeout(timer); });
}

function allows(policy: AutoAnswerPolicy, call: Call, request: AutoAnswerRequest): boolean {
  if (policy === "trusted") return call.identity?.asserted === true && !call.identity.anonymous;
  if (policy === false) return false;
  try {
    return policy(call, request);
  } catch (thrown) {
    reportError(thrown);
    return false;
  }
}
