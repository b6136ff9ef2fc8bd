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

/**
 * Is this page the one before, loaded anew or gone back to? Chromium calls a duplicated tab `back_forward`, too; the older
 * interface tells it from one that was gone back to.
 */
export function isReload(): boolean {
  const [navigation] = performance.getEntriesByType("navigation");
  if (!(navigation instanceof PerformanceNavigationTiming) || navigation.type === "navigate") return false;
  const { navigation: older } = performance as { readonly navigation?: { readonly type: number } };
  return older?.type !== NAVIGATE;
}

/** `PerformanceNavigation.TYPE_NAVIGATE`. */
const NAVIGATE = 0;
