/** Everything a `<web-phone>` shows, as plain data. Nothing here changes anything. */
import type {
  Account,
  AudioDevice,
  ConnectionState,
  Held,
  Party,
  QualityGrade,
  RegistrationState,
  SipErrorCode,
} from "../../index.js";

/** Where a call of the phone stands. */
export type PhoneCallPhase = "incoming" | "connecting" | "ringing" | "active" | "ended" | "error";

/** How a transfer of a call stands. */
export type TransferPhase = "none" | "asking" | "failed";

/** One call. */
export interface PhoneCall {
  readonly id: number;
  readonly direction: "outgoing" | "incoming";
  readonly phase: PhoneCallPhase;
  readonly remote: Party;
  readonly muted: boolean;
  readonly held: Held;
  /** A hold or resume waits for the other side. */
  readonly holding: boolean;
  /** The last one was refused. */
  readonly holdFailed: boolean;
  readonly transfer: TransferPhase;
  /** Do others hear this call, and it them? */
  readonly conference: boolean;
  /** The call that may be transferred to this one. */
  readonly consults: number | undefined;
  /** Whom the other side wants this phone to call in its place. */
  readonly asked: string | undefined;
  /** When both sides began to talk, in milliseconds since the epoch. */
  readonly answeredAt: number | undefined;
  /** Milliseconds of conversation, once the call is over. */
  readonly duration: number;
  readonly digits: string;
  readonly errorCode: SipErrorCode | undefined;
  readonly quality: QualityGrade | undefined;
}

/** A call that is over, as it is kept. */
export interface HistoryEntry {
  readonly direction: "outgoing" | "incoming";
  readonly uri: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Milliseconds of conversation; 0 when nobody answered. */
  readonly duration: number;
  readonly missed: boolean;
}

/** Somebody in the address book. */
export interface Contact {
  readonly name: string;
  readonly uri: string;
}

/** What a contact does just now. */
export type Lamp = "available" | "ringing" | "busy" | "away" | "offline" | "unknown";

/** A message of a conversation. */
export interface ChatEntry {
  readonly mine: boolean;
  readonly text: string;
  readonly at: number;
  readonly state: "sending" | "sent" | "failed";
}

/** The messages with one person. */
export interface Chat {
  readonly uri: string;
  readonly name: string;
  readonly entries: readonly ChatEntry[];
  readonly unread: number;
}

/** What waits in the voice mail. */
export interface Voicemail {
  readonly waiting: boolean;
  readonly count: number;
  /** What to call to hear it. */
  readonly account: string;
}

/** Microphones and loudspeakers, and which are chosen. */
export interface Devices {
  readonly list: readonly AudioDevice[];
  readonly input: string;
  readonly output: string;
  readonly ringer: string;
  readonly canSetOutput: boolean;
}

/** How a microphone test goes. */
export interface MicrophoneCheck {
  readonly phase: "none" | "running" | "heard" | "silent" | "failed";
  /** From 0 to 1. */
  readonly level: number;
  readonly errorCode?: SipErrorCode;
}

/** What lies beside the calls. */
export type PhoneTab = "keypad" | "history" | "contacts" | "messages" | "settings";

/** The tabs, in their order. */
export const TABS: readonly PhoneTab[] = ["keypad", "history", "contacts", "messages", "settings"];

/** Everything the phone shows. */
export interface PhoneState {
  /** `in` once the server has accepted the account. */
  readonly session: "out" | "signingIn" | "in";
  /** Who is signed in; the password is nobody's to read. */
  readonly account: Omit<Account, "password"> | undefined;
  readonly connection: ConnectionState;
  readonly registration: RegistrationState;
  /** Why signing in failed. */
  readonly problem: SipErrorCode | undefined;
  /** All calls, oldest first. */
  readonly calls: readonly PhoneCall[];
  /** The one that is shown. */
  readonly call: PhoneCall | undefined;
  readonly view: "talk" | PhoneTab;
  /** The browser holds the sound back. */
  readonly blocked: boolean;
  readonly history: readonly HistoryEntry[];
  readonly contacts: readonly Contact[];
  /** By the contact's address. */
  readonly lamps: Readonly<Record<string, Lamp>>;
  readonly chats: readonly Chat[];
  /** Whose conversation is open. */
  readonly chat: string | undefined;
  readonly voicemail: Voicemail | undefined;
  readonly doNotDisturb: boolean;
  readonly notifications: boolean;
  readonly devices: Devices;
  readonly microphone: MicrophoneCheck;
}

/** A phone that nobody uses. */
export const SIGNED_OUT: PhoneState = {
  session: "out",
  account: undefined,
  connection: "disconnected",
  registration: "unregistered",
  problem: undefined,
  calls: [],
  call: undefined,
  view: "keypad",
  blocked: false,
  history: [],
  contacts: [],
  lamps: {},
  chats: [],
  chat: undefined,
  voicemail: undefined,
  doNotDisturb: false,
  notifications: false,
  devices: { list: [], input: "", output: "", ringer: "", canSetOutput: false },
  microphone: { phase: "none", level: 0 },
};

/** The address without scheme, parameters and display, to compare and to show. */
export function bareAddress(uri: string): string {
  return uri.replace(/^(sips?|tel):/i, "").replace(/[;?].*$/, "");
}
