/**
 * The UUID of this tab (RFC 5626 `+sip.instance`): the same after a reload, so that a registration is replaced and not
 * added; another one in a duplicated tab, which copies the storage but is not a reload.
 */

/** The id for an account. None without storage (a sandboxed frame): the core then takes a new one each time. */
export function instanceId(account: string): string | undefined {
  const key = `switchhook:instance:${account}`;
  try {
    const stored = isReload() ? sessionStorage.getItem(key) : null;
    const id = stored ?? crypto.randomUUID();
    sessionStorage.setItem(key, id);
    return id;
  } catch {
    return undefined;
  }
}

/** Is this page the one before, loaded anew? */
export function isReload(): boolean {
  const [navigation] = performance.getEntriesByType("navigation");
  return navigation instanceof PerformanceNavigationTiming && navigation.type !== "navigate";
}
