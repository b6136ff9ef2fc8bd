/** Voice mail: simple-message-summary (RFC 3842 §5). */
import { defined } from "../defined.js";
import { filled } from "./xml.js";

/** Messages of one kind. */
export interface MessageCounts {
  readonly new: number;
  readonly old: number;
  /** Of the new and old ones, those that are urgent. */
  readonly urgentNew: number;
  readonly urgentOld: number;
}

/** What waits in a mailbox. */
export interface MessageSummary {
  /** Is there something new? The lamp. */
  readonly waiting: boolean;
  /** Where to listen to it. */
  readonly account?: string;
  /** Voice messages, where the server counts them. */
  readonly voice?: MessageCounts;
  /** Each kind that the server counts: `voice`, `fax`, `pager`, `multimedia`, `text`, `none`. */
  readonly counts: Readonly<Record<string, MessageCounts>>;
}

/** The summary in a document of type `application/simple-message-summary`, or what is wrong with it. */
export function readMessageSummary(document: string): MessageSummary | string {
  // Folded lines go on where the next one begins with white space.
  const lines = document.slice(0, 65_536).replace(/\r?\n[ \t]+/g, " ").split(/\r?\n|\r/);
  const rows = lines.map((line) => /^\s*([\w-]+)\s*:\s*(.*?)\s*$/.exec(line)).filter((row) => row !== null);
  const value = (name: string): string | undefined => rows.find(([, key]) => key?.toLowerCase() === name)?.[2];
  const waiting = value("messages-waiting")?.toLowerCase();
  if (waiting !== "yes" && waiting !== "no") return "The summary does not say whether messages wait.";
  const counted = rows.map(([, name = "", text = ""]) => [kindOf(name), countsOf(text)] as const);
  const counts = Object.fromEntries(counted.filter((row): row is [string, MessageCounts] => row[0] !== undefined && row[1] !== undefined));
  return defined({ waiting: waiting === "yes", account: filled(value("message-account")), voice: counts["voice"], counts });
}

function kindOf(name: string): string | undefined {
  return /^(voice|fax|pager|multimedia|text|none)-message$/i.exec(name)?.[1]?.toLowerCase();
}

/** `new/old (urgent new/urgent old)`. */
function countsOf(text: string): MessageCounts | undefined {
  const found = /^(\d{1,9})\s*\/\s*(\d{1,9})(?:\s*\(\s*(\d{1,9})\s*\/\s*(\d{1,9})\s*\))?/.exec(text);
  const [fresh = 0, old = 0, urgentNew = 0, urgentOld = 0] = found?.slice(1).map((digits) => Number((digits as string | undefined) ?? 0)) ?? [];
  return found ? { new: fresh, old, urgentNew, urgentOld } : undefined;
}
