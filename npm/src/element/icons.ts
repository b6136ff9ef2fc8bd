/** The icons, drawn here: 24 by 24, in the text's colour. */

const PATHS = {
  phone: "M5 4h3l1.6 4.6-2 1.7a12.4 12.4 0 0 0 6.1 6.1l1.7-2L20 16v3a1.7 1.7 0 0 1-1.8 1.7A15.6 15.6 0 0 1 3.3 5.8 1.7 1.7 0 0 1 5 4z",
  mic: "M12 3.5a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0v-5a3 3 0 0 0-3-3zM5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3",
  micOff: "M9 9v2.5a3 3 0 0 0 4.6 2.5M15 11V6.5a3 3 0 0 0-5.8-1M5.5 11.5a6.5 6.5 0 0 0 10 5.5M18.2 13.6a6.5 6.5 0 0 0 .3-2.1M12 18v3M4 4l16 16",
  pause: "M9 5v14M15 5v14",
  play: "M8 5.5v13l10.5-6.5z",
  keypad: "M6 5h.01M12 5h.01M18 5h.01M6 11h.01M12 11h.01M18 11h.01M6 17h.01M12 17h.01M18 17h.01M12 22h.01",
  close: "M6 6l12 12M18 6L6 18",
  backspace: "M9 5h10a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H9l-6-7zM12 9.5l5 5M17 9.5l-5 5",
  sound: "M4 9.5v5h3.5l4.5 4v-13l-4.5 4zM15.5 9a4 4 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11",
  person: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4.5 20.5a7.5 7.5 0 0 1 15 0",
  alert: "M12 8v5M12 16.5h.01M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z",
  leave: "M14 4H6a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h8M10 12h11M17.5 8.5L21 12l-3.5 3.5",
} as const;

/** The name of an icon. */
export type IconName = keyof typeof PATHS;

const SVG = "http://www.w3.org/2000/svg";

/** Draws one. It is decoration: the control that holds it has a name of its own. */
export function icon(name: IconName): SVGElement {
  return drawing(name, PATHS[name]);
}

/** Draws a path of the same make. */
export function drawing(name: string, d: string): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", d);
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.append(path);
  return svg;
}
