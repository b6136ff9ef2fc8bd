/** The looks of `<web-phone>`: one card, from 320 pixels to a desktop. */
import { sharedCallStyles } from "./shared-call.styles.js";
import { sharedStyles } from "./shared.styles.js";

export const webPhoneStyles = `${sharedStyles}${sharedCallStyles}
:host { display: block; max-inline-size: 24rem; font-family: var(--_font); line-height: 1.4; }
.phone {
  display: flex; flex-direction: column; min-block-size: 40rem; overflow: hidden;
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
.round.accept { background: var(--_accent); color: var(--_on-accent); }
.round.danger { background: var(--_danger); color: var(--_on-danger); }
.round.danger .icon-phone { transform: rotate(135deg); }
.round { position: relative; flex: none; }
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
.talk .controls { flex-wrap: wrap; margin-block-start: auto; padding-block-start: 1.25rem; gap: .75rem 1rem; max-inline-size: 17rem; }
.talk .lead { margin-block: auto 0; }
.talk .after { display: flex; flex-wrap: wrap; justify-content: center; gap: .75rem; margin-block-start: auto; padding-block-start: 1.5rem; }
.talk.keys .avatar { display: none; }
.talk.incoming .controls { gap: 3.5rem; }
.sound { margin-block-start: 1rem; }
.badge {
  min-inline-size: 1.25rem; padding: 0 .35rem; border-radius: 999px; background: var(--_danger); color: var(--_on-danger);
  font-size: .75rem; font-weight: 700; line-height: 1.25rem; text-align: center;
}
.head .moon { display: grid; place-items: center; color: var(--_ink-soft); }
.head .badge { position: absolute; inset-block-start: 0; inset-inline-end: 0; }
.head .waiting { color: var(--_accent); }
.calls { margin: 0; padding: .25rem .75rem; border-block-end: 1px solid var(--_line); list-style: none; }
.calls li { display: flex; align-items: center; gap: .5rem; }
.calls .ringing .lamp { background: var(--_accent); animation: blink 1.2s ease-in-out infinite; }
.calls .held strong { color: var(--_ink-soft); }
.calls .lamp { background: var(--_accent); }
.calls .held .lamp { background: var(--_ink-soft); }
.calls .row:disabled { cursor: default; color: inherit; }
.row {
  display: flex; align-items: center; gap: .75rem; inline-size: 100%; min-block-size: 3.25rem; padding: .4rem .6rem; border: 0; border-radius: .7rem;
  background: none; text-align: start;
}
.row:hover:enabled { background: var(--_control); }
.row[aria-current] { background: var(--_control); }
.row .icon { color: var(--_ink-soft); }
.row.missed strong, .row.missed .icon:first-child { color: var(--_danger); }
.grow { flex: 1; min-inline-size: 0; overflow-wrap: anywhere; }
.two { display: grid; }
.two > * { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.two span { font-size: .8125rem; color: var(--_ink-soft); }
.list { padding: .75rem; gap: .75rem; text-align: start; }
.stack { display: flex; flex-direction: column; gap: 1rem; }
.fill { display: flex; flex: 1; flex-direction: column; gap: .75rem; min-block-size: 0; }
.listing { flex: 1; min-block-size: 0; max-block-size: 28rem; overflow-y: auto; }
.rows { margin: 0; padding: 0; list-style: none; }
.with-actions { display: flex; align-items: center; }
.with-actions .row { flex: 1; min-inline-size: 0; }
.empty { margin: 3rem 1rem; color: var(--_ink-soft); text-align: center; }
.lamp.available { background: var(--_accent); }
.lamp.ringing { background: light-dark(#b7791f, #f0b429); }
.lamp.busy { background: var(--_danger); }
.lamp.away { background: light-dark(#b7791f, #f0b429); }
.lamp.offline, .lamp.unknown { background: none; border: 2px solid var(--_ink-soft); }
.bar { display: flex; align-items: center; gap: .25rem; }
.bar h3 { margin: 0; font-size: 1rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.compose { display: flex; gap: .5rem; }
.compose input { flex: 1; }
.compose input, .field select {
  min-inline-size: 0; min-block-size: 2.75rem; padding: .5rem .8rem; border: 1px solid light-dark(#8a949f, #5d6772); border-radius: .7rem;
  background: var(--_surface); color: var(--_ink); font: inherit; font-weight: 400;
}
.field select { inline-size: 100%; }
.bubble { max-inline-size: 85%; inline-size: fit-content; margin-block: .25rem; padding: .5rem .8rem; border-radius: 1rem; background: var(--_control); }
.bubble.mine { margin-inline-start: auto; background: color-mix(in srgb, var(--_accent) 16%, var(--_surface)); }
.bubble p { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
.bubble small { color: var(--_ink-soft); }
.bubble.failed small { color: var(--_danger); }
.switch { display: flex; align-items: center; gap: 1rem; min-block-size: 2.75rem; font-size: .9375rem; font-weight: 600; cursor: pointer; }
.switch input { inline-size: 1.4rem; block-size: 1.4rem; margin: 0; accent-color: var(--_accent); }
meter { inline-size: 100%; block-size: .6rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem; }
details summary { min-block-size: 2.75rem; align-content: center; font-size: .9375rem; font-weight: 600; cursor: pointer; }
details[open] { display: grid; gap: 1rem; }
.transfer, .asked { display: grid; gap: .75rem; inline-size: 100%; margin-block-start: 1rem; text-align: start; }
.transfer input { inline-size: 100%; }
.transfer .listing { max-block-size: 8rem; }
.asked .hint { margin: 0; }
.talk > .wide { margin-block-start: 1rem; }
.quality { display: flex; align-items: center; justify-content: center; gap: .5rem; margin: .4rem 0 0; font-size: .8125rem; color: var(--_ink-soft); }
.quality.good .lamp { background: var(--_accent); }
.quality.fair .lamp { background: light-dark(#b7791f, #f0b429); }
.quality.bad .lamp { background: var(--_danger); }
.tabs { display: flex; border-block-start: 1px solid var(--_line); }
.tabs button {
  position: relative; display: grid; flex: 1 1 auto; justify-items: center; align-content: center; gap: .2rem; min-inline-size: 2.75rem; min-block-size: 3.75rem; padding: .35rem .1rem; border: 0;
  background: none; color: var(--_ink-soft); font-size: .6875rem;
}
.tabs .caption { max-inline-size: 100%; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.tabs .icon { font-size: .9375rem; }
[dir="rtl"] .icon-back, [dir="rtl"] .icon-send { transform: scaleX(-1); }
.with-actions .round { inline-size: 2.5rem; }
.tabs button:hover { color: var(--_ink); background: var(--_control); }
.tabs button[aria-current] { color: var(--_accent); font-weight: 700; }
.tabs button:focus-visible { outline-offset: -3px; }
.tabs .badge { position: absolute; inset-block-start: .3rem; inset-inline-start: 55%; }
@keyframes blink { 50% { opacity: .35; } }
@media (max-width: 30rem) { :host { max-inline-size: none; } }
`;
