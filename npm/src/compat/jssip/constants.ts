/** JsSIP's causes and statuses, and which of them an end of ours is. */
import type { CallEnd, SipError, SipErrorCode } from "../../index.js";

/** `JsSIP.C.causes`. */
export const causes = {
  CONNECTION_ERROR: "Connection Error",
  REQUEST_TIMEOUT: "Request Timeout",
  SIP_FAILURE_CODE: "SIP Failure Code",
  INTERNAL_ERROR: "Internal Error",
  BUSY: "Busy",
  REJECTED: "Rejected",
  REDIRECTED: "Redirected",
  UNAVAILABLE: "Unavailable",
  NOT_FOUND: "Not Found",
  ADDRESS_INCOMPLETE: "Address Incomplete",
  INCOMPATIBLE_SDP: "Incompatible SDP",
  MISSING_SDP: "Missing SDP",
  AUTHENTICATION_ERROR: "Authentication Error",
  BYE: "Terminated",
  WEBRTC_ERROR: "WebRTC Error",
  CANCELED: "Canceled",
  NO_ANSWER: "No Answer",
  EXPIRES: "Expires",
  NO_ACK: "No ACK",
  DIALOG_ERROR: "Dialog Error",
  USER_DENIED_MEDIA_ACCESS: "User Denied Media Access",
  BAD_MEDIA_DESCRIPTION: "Bad Media Description",
  RTP_TIMEOUT: "RTP Timeout",
} as const;

/** `JsSIP.C`. */
export const C = { causes, INVITE: "INVITE", REGISTER: "REGISTER", MESSAGE: "MESSAGE", REFER: "REFER", BYE: "BYE", SESSION_EXPIRES: 90 } as const;

/** `JsSIP.RTCSession.C`: where a session stands. */
export const STATUS = { STATUS_NULL: 0, STATUS_INVITE_SENT: 1, STATUS_1XX_RECEIVED: 2, STATUS_INVITE_RECEIVED: 3, STATUS_WAITING_FOR_ANSWER: 4, STATUS_ANSWERED: 5, STATUS_CANCELED: 7, STATUS_TERMINATED: 8, STATUS_CONFIRMED: 9 } as const;

/** Who did it, in JsSIP's words, which are ours. */
export type Originator = "local" | "remote" | "system";

/** JsSIP's table (`SIP_ERROR_CAUSES`). */
const BY_STATUS: readonly (readonly [string, readonly number[]])[] = [
  [causes.REDIRECTED, [300, 301, 302, 305, 380]],
  [causes.BUSY, [486, 600]],
  [causes.REJECTED, [403, 603]],
  [causes.NOT_FOUND, [404, 604]],
  [causes.UNAVAILABLE, [480, 410, 408, 430]],
  [causes.ADDRESS_INCOMPLETE, [484, 424]],
  [causes.INCOMPATIBLE_SDP, [488, 606]],
  [causes.AUTHENTICATION_ERROR, [401, 407]],
];

const BY_CODE: Partial<Record<SipErrorCode, string>> = {
  MIC_DENIED: causes.USER_DENIED_MEDIA_ACCESS,
  MIC_NOT_FOUND: causes.USER_DENIED_MEDIA_ACCESS,
  MIC_IN_USE: causes.USER_DENIED_MEDIA_ACCESS,
  INSECURE_PAGE: causes.USER_DENIED_MEDIA_ACCESS,
  CONNECTION_LOST: causes.CONNECTION_ERROR,
  CONNECTION_REFUSED: causes.CONNECTION_ERROR,
  WRONG_CREDENTIALS: causes.AUTHENTICATION_ERROR,
  TIMEOUT: causes.REQUEST_TIMEOUT,
  NO_ANSWER: causes.NO_ANSWER,
  CANCELLED: causes.CANCELED,
  MEDIA_FAILED: causes.RTP_TIMEOUT,
  INCOMPATIBLE_MEDIA: causes.INCOMPATIBLE_SDP,
  INTERNAL: causes.INTERNAL_ERROR,
};

/** JsSIP's cause for an error. */
export function causeOf({ code, status }: SipError): string {
  const [cause] = BY_STATUS.find(([, statuses]) => status !== undefined && statuses.includes(status)) ?? [];
  return cause ?? BY_CODE[code] ?? causes.SIP_FAILURE_CODE;
}

/** JsSIP's cause for the end of a call. */
export function causeOfEnd({ error }: CallEnd, wasAnswered: boolean): string {
  if (error) return causeOf(error);
  return wasAnswered ? causes.BYE : causes.CANCELED;
}
