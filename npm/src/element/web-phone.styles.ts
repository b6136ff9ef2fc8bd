/** The looks of `<web-phone>`: one card, from 320 pixels to a desktop. */
import { sharedStyles } from "./shared.styles.js";

export const webPhoneStyles = `${sharedStyles}
:host { display: block; max-inline-size: 24rem; font-family: var(--_font); line-height: 1.4; }
.phone {
  display: flex; flex-direction: column; min-block-size: 37.5rem; overflow: hidden;
  border: 1px solid var(--_line); border-radius: calc(var(--_radius) * 1.2);
  background: var(--_surface); color: var(--_ink);
  box-shadow: var(--switchhook-shadow, 0 1px 3px rgb(0 0 0 / .06), 0 16px 40px rgb(0 0 0 / .12));
}
.head { display: flex; align-items: center; min-block-size: 5rem; gap: .75rem; padding: .75rem 1.25rem; border-block-end: 1px solid var(--_line); }
.head .who { flex: 1; min-inline-size: 0; }
.head .own { margin: 0; overflow: hidden; font-size: 1rem; font-weight: 650; text-overflow: ellipsis; white-space: nowrap; }
.head .line { display: flex; align-items: center; gap: .5rem; margin: 0; font-size: .8125rem; color: var(--_ink-soft); }
.lamp { inline-size: .6rem; block-size: .6rem; flex: none; border-radius: 50%; background: var(--_ink-soft); }
.registered .lamp { background: var(--_accent); }
.working .lamp { background: light-dark(#b7791f, #f0b429); animation: blink 1.2s ease-in-out infinite; }
.refused .lamp { background: var(--_danger); }
.round {
  display: grid; place-items: center; inline-size: 2.75rem; block-size: 2.75rem; padding: 0; border: 0; border-radius: 50%; background: none;
  color: var(--_ink-soft);
}
.round:hover { background: var(--_control); color: var(--_ink); }
.screen { display: flex; flex: 1; flex-direction: column; padding: 1.25rem; text-align: center; }
.login { gap: 1rem; text-align: start; }
.login .hint { margin: 0; color: var(--_ink-soft); font-size: .9375rem; }
.field { display: grid; gap: .3rem; font-size: .875rem; font-weight: 600; }
.field .note { font-weight: 400; color: var(--_ink-soft); }
.field input {
  inline-size: 100%; min-block-size: 2.75rem; padding: .5rem .8rem; border: 1px solid light-dark(#8a949f, #5d6772); border-radius: .7rem;
  background: var(--_surface); font-size: 1rem; font-weight: 400;
}
.field input:focus-visible { border-color: var(--_focus); outline-offset: 0; }
.problem {
  display: flex; gap: .6rem; margin: 0; padding: .75rem .9rem; border-radius: .7rem; font-size: .9375rem;
  background: color-mix(in srgb, var(--_danger) 10%, var(--_surface)); color: var(--_ink);
}
.problem .icon { margin-block-start: .1em; color: var(--_danger); }
.login .wide { margin-block-start: auto; }
.wide:disabled { opacity: .6; cursor: progress; }
.dial { justify-content: space-between; gap: 1rem; }
.display { display: flex; align-items: center; gap: .25rem; border-block-end: 2px solid var(--_line); direction: ltr; }
.display:focus-within { border-color: var(--_accent); }
.display input {
  flex: 1; min-inline-size: 0; min-block-size: 3.5rem; padding: 0 0 0 2.75rem; border: 0; background: none; font-size: 1.5rem; font-weight: 500; text-align: center;
  text-overflow: ellipsis;
}
.display input::placeholder { font-size: 1rem; font-weight: 400; color: var(--_ink-soft); opacity: 1; }
.display input:focus-visible { outline: none; }
.display .round { visibility: hidden; }
.display.filled .round { visibility: visible; }
.dial .keypad { gap: .6rem; }
.dial .key { min-block-size: 3.75rem; }
.dial .controls { margin: 0; }
.talk { align-items: center; justify-content: center; }
.talk .address { margin: .1rem 0 0; font-size: .875rem; color: var(--_ink-soft); overflow-wrap: anywhere; }
.talk .state { margin-block-start: .75rem; font-size: 1.125rem; }
.talk .keypad { inline-size: 100%; max-inline-size: 18rem; margin-block-start: 1rem; }
.talk .controls { flex-wrap: wrap; margin-block-start: auto; padding-block-start: 1.5rem; gap: .75rem; }
.talk .lead { margin-block: auto 0; }
.talk .after { display: flex; flex-wrap: wrap; justify-content: center; gap: .75rem; margin-block-start: auto; padding-block-start: 1.5rem; }
.talk.keys .avatar { display: none; }
.talk.incoming .controls { gap: 3.5rem; }
.sound { margin-block-start: 1rem; }
@keyframes blink { 50% { opacity: .35; } }
@media (max-width: 30rem) { :host { max-inline-size: none; } }
`;
