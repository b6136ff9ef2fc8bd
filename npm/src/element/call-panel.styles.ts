/** The looks of the panel of `<call-button>`, in the top layer. */
import { sharedCallStyles } from "./shared-call.styles.js";

export const callPanelStyles = `${sharedCallStyles}
.panel {
  position: fixed; inset: auto; margin: 0; inline-size: min(20rem, calc(100vw - 1.5rem)); max-block-size: calc(100vh - 1.5rem); overflow: auto;
  padding: 1.25rem; border: 1px solid var(--_line); border-radius: var(--_radius);
  background: var(--_surface); color: var(--_ink); font-family: var(--_font); font-size: 1rem; text-align: center;
  box-shadow: 0 2px 6px rgb(0 0 0 / .08), 0 18px 48px rgb(0 0 0 / .22);
}
.panel:popover-open { animation: rise .18s ease-out; }
.panel .top { display: flex; justify-content: flex-end; margin: -.5rem -.5rem 0; }
.panel .top button {
  display: grid; place-items: center; inline-size: 2.5rem; block-size: 2.5rem; border: 0; border-radius: 50%; background: none; color: var(--_ink-soft);
}
.panel .top button:hover { background: var(--_control); color: var(--_ink); }
.panel .keypad { margin-block-start: 1rem; }
.panel .after { display: flex; flex-wrap: wrap; justify-content: center; gap: .75rem; margin-block-start: 1.25rem; }
.panel .sound { margin-block-start: 1rem; }
.quality { display: flex; align-items: center; justify-content: center; gap: .5rem; margin: .4rem 0 0; font-size: .8125rem; color: var(--_ink-soft); }
.lamp { inline-size: .6rem; block-size: .6rem; flex: none; border-radius: 50%; background: var(--_ink-soft); }
.quality.good .lamp { background: var(--_accent); }
.quality.fair .lamp { background: light-dark(#b7791f, #f0b429); }
.quality.bad .lamp { background: var(--_danger); }
.panel .level { inline-size: 8rem; block-size: .5rem; margin-block-start: .6rem; }
.panel .notice { margin-block-start: .75rem; overflow-wrap: anywhere; }
.panel .notice .wide { margin-block-start: 1rem; }
.panel .devices { margin-block-start: 1rem; text-align: start; }
.panel .devices summary { min-block-size: 2.5rem; align-content: center; font-size: .875rem; cursor: pointer; }
.panel .field { display: grid; gap: .3rem; margin-block-end: .75rem; font-size: .875rem; font-weight: 600; }
.panel .field select {
  inline-size: 100%; min-inline-size: 0; min-block-size: 2.75rem; padding: .5rem .8rem; border: 1px solid light-dark(#8a949f, #5d6772); border-radius: .7rem;
  background: var(--_surface); color: var(--_ink); font: inherit; font-weight: 400;
}
@keyframes rise { from { opacity: 0; transform: translateY(6px); } }
@media (max-width: 30rem) {
  .panel {
    inset: auto 0 0; inline-size: 100%; max-inline-size: none; border-inline: 0; border-block-end: 0;
    border-radius: var(--_radius) var(--_radius) 0 0; padding-block-end: calc(1.5rem + env(safe-area-inset-bottom));
  }
}
`;
