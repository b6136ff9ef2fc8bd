/** Puts a panel beside the button it belongs to, inside the window. */

/** Room between the button, the panel and the window's edge, in pixels. */
const GAP = 12;
/** Below this width the style sheet makes the panel a sheet at the bottom. */
const NARROW = "(max-width: 30rem)";

/** Below the button where there is room, else above it; aligned with its start. */
export function placeBeside(panel: HTMLElement, anchor: HTMLElement): void {
  panel.style.left = panel.style.top = "";
  if (matchMedia(NARROW).matches) return;
  const button = anchor.getBoundingClientRect();
  const { width, height } = panel.getBoundingClientRect();
  const start = getComputedStyle(anchor).direction === "rtl" ? button.right - width : button.left;
  const below = button.bottom + GAP;
  const above = button.top - GAP - height;
  const top = below + height + GAP > innerHeight && above > 0 ? above : below;
  panel.style.left = `${String(clamp(start, innerWidth - width - GAP))}px`;
  panel.style.top = `${String(clamp(top, innerHeight - height - GAP))}px`;
}

function clamp(value: number, most: number): number {
  return Math.max(GAP, Math.min(value, most));
}
