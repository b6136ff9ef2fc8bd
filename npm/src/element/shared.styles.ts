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
.avatar {
  position: relative; display: grid; place-items: center; inline-size: 4.5rem; block-size: 4.5rem; margin: 0 auto;
  border-radius: 50%; background: color-mix(in srgb, var(--_accent) 14%, var(--_surface)); color: var(--_accent);
  font-size: 1.4rem;
}
.avatar::before, .avatar::after {
  content: ""; position: absolute; inset: 0; border-radius: inherit; border: 2px solid var(--_accent); opacity: 0;
}
.pulsing .avatar::before, .pulsing .avatar::after { animation: pulse 2.2s ease-out infinite; }
.pulsing .avatar::after { animation-delay: 1.1s; }
.avatar .icon-alert { display: none; }
.failed .avatar .icon-alert { display: block; }
.failed .avatar .icon:not(.icon-alert) { display: none; }
.failed .avatar { background: color-mix(in srgb, var(--_danger) 14%, var(--_surface)); color: var(--_danger); }
.name { margin: .75rem 0 0; font-size: 1.125rem; font-weight: 650; overflow-wrap: anywhere; }
.state { margin: .25rem 0 0; color: var(--_ink-soft); font-variant-numeric: tabular-nums; }
.digits { margin: .5rem 0 0; min-block-size: 1.5em; font-size: 1.25rem; letter-spacing: .12em; overflow-wrap: anywhere; }
.controls { display: flex; justify-content: center; gap: 1.25rem; margin-block-start: 1.25rem; }
.control {
  display: grid; justify-items: center; gap: .4rem; inline-size: 4.5rem; padding: 0; border: 0; background: none;
  font-size: .8125rem; color: var(--_ink-soft);
}
.control .disc {
  display: grid; place-items: center; inline-size: 3.5rem; block-size: 3.5rem; border-radius: 50%;
  background: var(--_control); color: var(--_ink); font-size: 1.125rem; transition: background-color .15s, transform .1s;
}
.control:hover .disc { background: color-mix(in srgb, var(--_ink) 12%, var(--_control)); }
.control:active .disc { transform: scale(.94); }
.control:focus-visible { outline: none; }
.control:focus-visible .disc { outline: 2px solid var(--_focus); outline-offset: 2px; }
.control[aria-pressed="true"] .disc, .control[aria-expanded="true"] .disc { background: var(--_ink); color: var(--_surface); }
.control[aria-disabled="true"] { opacity: .6; cursor: progress; }
.control.danger .disc { background: var(--_danger); color: var(--_on-danger); }
.control.danger:hover .disc { background: color-mix(in srgb, var(--_ink) 14%, var(--_danger)); }
.control.accept .disc { background: var(--_accent); color: var(--_on-accent); }
.control.accept:hover .disc { background: color-mix(in srgb, var(--_ink) 14%, var(--_accent)); }
.control.danger .icon-phone { transform: rotate(135deg); }
.keypad { display: grid; grid-template-columns: repeat(3, 1fr); gap: .5rem; direction: ltr; }
.key {
  display: grid; place-content: center; justify-items: center; min-block-size: 3.25rem; padding: .25rem;
  border: 0; border-radius: .9rem; background: var(--_control); transition: background-color .15s, transform .1s;
}
.key:hover { background: color-mix(in srgb, var(--_ink) 10%, var(--_control)); }
.key:active { transform: scale(.96); background: color-mix(in srgb, var(--_accent) 22%, var(--_control)); }
.key .digit { font-size: 1.25rem; font-weight: 600; line-height: 1.2; }
.key .letters { min-block-size: 1.2em; font-size: .625rem; letter-spacing: .12em; color: var(--_ink-soft); }
.wide {
  display: inline-flex; align-items: center; justify-content: center; gap: .5rem; min-block-size: 2.75rem; padding: .6rem 1.25rem;
  border: 0; border-radius: 999px; background: var(--_accent); color: var(--_on-accent); font-weight: 600;
}
.wide:hover { background: color-mix(in srgb, var(--_ink) 14%, var(--_accent)); }
.wide.quiet { background: var(--_control); color: var(--_ink); }
.wide.quiet:hover { background: color-mix(in srgb, var(--_ink) 12%, var(--_control)); }
@keyframes pulse { from { opacity: .55; transform: scale(1); } to { opacity: 0; transform: scale(1.75); } }
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation: none !important; transition: none !important; }
  .pulsing .avatar::before { opacity: .5; }
}
@media (forced-colors: active) {
  .wide, .key, .control .disc { border: 1px solid ButtonText; }
}
`;
