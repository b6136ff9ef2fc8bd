/** Puts a panel beside the button it belongs to, inside the window. */

/** Room between the button, the panel and the window's edge, in pixels. */
const GAP = 12;
/** Below this width the style sheet makes the panel a sheet at the bottom. */
const NARROW = "(max-width: 30rem)";

/** Below the button where there is room, else above it, else beside it; aligned with its start. */
export function placeBeside(panel: HTMLElement, anchor: HTMLElement): void {
  panel.style.left = panel.style.top = "";
  if (matchMedia(NARROW).matches) return;
  const button = anchor.getBoundingClientRect();
  const { width, height } = panel.getBoundingClientRect();
  const below = button.bottom + GAP;
  const above = button.top - GAP - height;
  const fitsBelow = below + height + GAP <= innerHeight;
  const top = !fitsBelow && above > 0 ? above : below;
  const left = fitsBelow || above > 0 ? aligned(anchor, button, width) : beside(button, width);
  panel.style.left = `${String(clamp(left, innerWidth - width - GAP))}px`;
  panel.style.top = `${String(clamp(top, innerHeight - height - GAP))}px`;
}

function aligned(anchor: HTMLElement, button: DOMRect, width: number): number {
  return getComputedStyle(anchor).direction === "rtl" ? button.right - width : button.left;
}

/** Right of the button where there is room, else left of it. */
function beside(button: DOMRect, width: number): number {
  const right = button.right + GAP;
  return right + width + GAP <= innerWidth ? right : button.left - GAP - width;
}

function clamp(value: number, most: number): number {
  return Math.max(GAP, Math.min(value, most));
}
