/** The looks of `<call-button>`: a pill that says where the call stands. */
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
@keyframes shake { 0%, 60%, 100% { transform: none; } 10%, 30%, 50% { transform: rotate(12deg); } 20%, 40% { transform: rotate(-12deg); } }
`;
