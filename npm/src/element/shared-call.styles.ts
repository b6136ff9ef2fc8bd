/** What a call looks like in both elements: the avatar, round controls, the keypad, wide buttons, fields. */
export const sharedCallStyles = `
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
@media (prefers-reduced-motion: reduce) { .pulsing .avatar::before { opacity: .5; } }
@media (forced-colors: active) {
  .wide, .key, .control .disc { border: 1px solid ButtonText; }
}
`;
