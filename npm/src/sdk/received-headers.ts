/** Which headers of an incoming INVITE a page sees: those that say something to it, not SIP's own. */

/** Rows of a message. */
export type HeaderRows = readonly (readonly [string, string])[];

const USUAL = ["X-*", "P-*", "Subject", "Organization", "Priority", "Date", "Call-Info", "Alert-Info", "Answer-Mode", "Priv-Answer-Mode", "User-to-User", "Reason", "In-Reply-To", "User-Agent"];

/** @internal The rows whose names are listed: whole, or by their beginning where a `*` follows. Without regard to case. */
export function received(rows: HeaderRows, names: readonly string[] = USUAL): HeaderRows {
  const listed = names.map((name) => name.toLowerCase());
  const isListed = (name: string): boolean => listed.some((own) => (own.endsWith("*") ? name.startsWith(own.slice(0, -1)) : name === own));
  return rows.filter(([name]) => isListed(name.toLowerCase()));
}
