/** The styles both elements share: tokens, icons, round controls, the keypad. Every token can be set from outside. */

/** Tokens are private copies (`--_x`) of documented properties (`--switchhook-x`) with a fallback for light and dark. */
export const sharedStyles = `
:host {
  --_accent: var(--switchhook-accent, light-dark(#0a7247, #35c98a));
  --_on-accent: var(--switchhook-on-accent, light-dark(#fff, #04150d));
  --_danger: var(--switchhook-danger, light-dark(#c42b34, #ff6b70));
  --_on-danger: var(--switchhook-on-danger, light-dark(#fff, #240306));
  --_surface: var(--switchhook-surface, light-dark(#fff, #1b1f24));
  --_ink: var(--switchhook-ink, light-dark(#14181d, #f1f4f7));
  --_ink-soft: var(--switchhook-ink-soft, light-dark(#58626e, #b3bdc8));
  --_line: var(--switchhook-line, light-dark(#e1e5ea, #333a43));
  --_control: var(--switchhook-control, light-dark(#f0f2f5, #2a3038));
  --_focus: var(--switchhook-focus, light-dark(#1a56db, #8ab4ff));
  --_radius: var(--switchhook-radius, 1.25rem);
  --_font: var(--switchhook-font, inherit);
}
:host([hidden]) { display: none; }
:host([theme="light"]) { color-scheme: light; }
:host([theme="dark"]) { color-scheme: dark; }
:host([theme="auto"]) { color-scheme: light dark; }
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
button, input { font: inherit; color: inherit; }
button { cursor: pointer; touch-action: manipulation; -webkit-tap-highlight-color: transparent; }
:focus { outline: none; }
:focus-visible { outline: 2px solid var(--_focus); outline-offset: 2px; }
.icon {
  inline-size: 1.25em; block-size: 1.25em; flex: none;
  fill: none; stroke: currentColor; stroke-width: 1.9; stroke-linecap: round; stroke-linejoin: round;
}
.icon-phone { fill: currentColor; stroke-width: 1; }
.icon-keypad, .icon-pause { stroke-width: 3; }
.icon-play { fill: currentColor; }
.unseen {
  position: absolute; inline-size: 1px; block-size: 1px; margin: -1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap;
}
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation: none !important; transition: none !important; }
}
`;
