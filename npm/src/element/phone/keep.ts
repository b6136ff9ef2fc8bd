/** What the phone keeps in the browser, apart for each account: its history, contacts, messages and settings. */

/** Reads what is kept under a name; anything odd counts as nothing. */
export function readKept<T>(account: string, name: string, fallback: T): T {
  try {
    const text = localStorage.getItem(keyOf(account, name));
    const value: unknown = text === null ? undefined : JSON.parse(text);
    return isLike(value, fallback) ? value : fallback;
  } catch {
    return fallback;
  }
}

/** Reads a list that is kept; entries that are none are left out. */
export function readList<T>(account: string, name: string, isEntry: (entry: Partial<T>) => boolean): T[] {
  return readKept<unknown[]>(account, name, []).filter((entry): entry is T => typeof entry === "object" && entry !== null && isEntry(entry));
}

/** Keeps it. Without storage (a sandboxed frame, a full disk) it lives as long as the page. */
export function keep(account: string, name: string, value: unknown): void {
  try {
    localStorage.setItem(keyOf(account, name), JSON.stringify(value));
  } catch {
    // It is still shown.
  }
}

function keyOf(account: string, name: string): string {
  return `switchhook:phone:${account}:${name}`;
}

function isLike<T>(value: unknown, sample: T): value is T {
  return value !== undefined && value !== null && typeof value === typeof sample && Array.isArray(value) === Array.isArray(sample);
}
