/** What the relay's demo exchange offers, as `/demo.json` says: accounts to sign in with and numbers to call. */

/** A ready account. */
export interface DemoAccount {
  readonly uri: string;
  readonly password: string;
  readonly displayName: string;
}

/** A number that answers. */
export interface DemoNumber {
  readonly number: string;
  readonly description: string;
}

/** The demo exchange. */
export interface Demo {
  readonly server: string;
  /** What the shop's page shows to call without an account. */
  readonly siteKey: string;
  readonly accounts: readonly DemoAccount[];
  readonly numbers: readonly DemoNumber[];
}

/** Asks the relay; none where the page is served by something else. */
export async function fetchDemo(): Promise<Demo | undefined> {
  try {
    const response = await fetch("/demo.json");
    return response.ok ? ((await response.json()) as Demo) : undefined;
  } catch {
    return undefined;
  }
}

/** The element with this id. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}
