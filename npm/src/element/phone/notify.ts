/** Tells the person of a call while another window is in front. */

/** A notification that stands. */
export interface ShownNotification {
  close(): void;
}

/** Asks once; the browser remembers. False where it is refused or there are none. */
export async function mayNotify(): Promise<boolean> {
  if (typeof Notification === "undefined") return false;
  if (Notification.permission === "default") return (await Notification.requestPermission()) === "granted";
  return Notification.permission === "granted";
}

/** Shows one where the page is not in front; a click on it brings the page back. */
export function notify(title: string, body: string, tag: string): ShownNotification | undefined {
  if (typeof Notification === "undefined" || Notification.permission !== "granted" || document.hasFocus()) return undefined;
  try {
    const notification = new Notification(title, { body, tag, requireInteraction: true });
    notification.onclick = () => { window.focus(); notification.close(); };
    return notification;
  } catch {
    // Browsers on telephones allow them to service workers only.
    return undefined;
  }
}
