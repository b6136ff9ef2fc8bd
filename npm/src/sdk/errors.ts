/** The one error class of the SDK. It turns whatever the core or the browser throws into a code and a sentence. */
import type { ErrorInfo, SipErrorCode } from "./types.js";

/** What a `SipError` is made of. */
export interface SipErrorInit {
  code: SipErrorCode;
  message: string;
  status?: number;
  reason?: string;
  fatal?: boolean;
  retryable?: boolean;
  cause?: unknown;
}

/** Something failed: `code` is for programs, `message` says to people what happened and what to do about it. */
export class SipError extends Error {
  /** Stable, for programs. */
  readonly code: SipErrorCode;
  /** The SIP status behind it, where there was one. */
  readonly status: number | undefined;
  /** The other side's own words, where it gave some. */
  readonly reason: string | undefined;
  /** Nothing more will be tried until the page changes something. */
  readonly fatal: boolean;
  /** The same attempt may succeed later. */
  readonly retryable: boolean;

  constructor(init: SipErrorInit) {
    super(init.message, "cause" in init ? { cause: init.cause } : undefined);
    this.name = "SipError";
    this.code = init.code;
    this.status = init.status;
    this.reason = init.reason;
    this.fatal = init.fatal ?? false;
    this.retryable = init.retryable ?? false;
  }

  /** The error that the core reported as a value. */
  static fromInfo(info: ErrorInfo, reason?: string): SipError {
    return new SipError(reason ? { ...info, reason } : info);
  }

  /** Whatever was thrown, as a `SipError`. */
  static from(thrown: unknown): SipError {
    if (thrown instanceof SipError) return thrown;
    if (isErrorInfo(thrown)) return new SipError({ ...pickInfo(thrown), cause: thrown });
    return new SipError({
      code: "INTERNAL",
      message: `Something unexpected failed inside the telephone module: ${describe(thrown)}`,
      fatal: true,
      cause: thrown,
    });
  }
}

function isErrorInfo(thrown: unknown): thrown is ErrorInfo {
  return typeof thrown === "object" && thrown !== null && "code" in thrown && "message" in thrown && "fatal" in thrown;
}

function pickInfo({ code, message, status, fatal, retryable }: ErrorInfo): ErrorInfo {
  return status === undefined ? { code, message, fatal, retryable } : { code, message, status, fatal, retryable };
}

function describe(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
