/** The looks of `<call-button>`: a pill that says where the call stands, and a panel in the top layer. */
import { sharedStyles } from "./shared.styles.js";

export const callButtonStyles = `${sharedStyles}
:host { display: inline-block; font-family: var(--_font); line-height: 1.4; }
.trigger {
  display: inline-flex; align-items: center; justify-content: center; gap: .6em;
  min-block-size: 2.75rem; max-inline-size: 100%; padding: var(--switchhook-padding, .7em 1.4em); border: 0;
  border-radius: var(--switchhook-button-radius, 999px);
  background: var(--_accent); color: var(--_on-accent); font-weight: 600; line-height: 1.2;
  box-shadow: var(--switchhook-shadow, 0 1px 2px rgb(0 0 0 / .18), 0 4px 14px rgb(0 0 0 / .12));
  transition: background-color .15s, transform .1s, box-shadow .15s;
}
.trigger:hover { background: color-mix(in srgb, var(--_ink) 12%, var(--_accent)); }
.trigger:active { transform: translateY(1px); }
/* The words lie on each other, so that the button keeps its width when the state replaces the label. */
.trigger .words { display: grid; min-inline-size: 0; text-align: start; }
.trigger .words > * { grid-area: 1 / 1; overflow: hidden; text-overflow: ellipsis; font-variant-numeric: tabular-nums; }
.trigger .words > .away { visibility: hidden; }
.trigger.failed { background: var(--_surface); color: var(--_danger); box-shadow: inset 0 0 0 1.5px var(--_danger); }
.pulsing.trigger .icon-phone { animation: shake 1.4s ease-in-out infinite; }
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
@keyframes rise { from { opacity: 0; transform: translateY(6px); } }
@keyframes shake { 0%, 60%, 100% { transform: none; } 10%, 30%, 50% { transform: rotate(12deg); } 20%, 40% { transform: rotate(-12deg); } }
@media (max-width: 30rem) {
  .panel {
    inset: auto 0 0; inline-size: 100%; max-inline-size: none; border-inline: 0; border-block-end: 0;
    border-radius: var(--_radius) var(--_radius) 0 0; padding-block-end: calc(1.5rem + env(safe-area-inset-bottom));
  }
}
`;
