// Two pages that talk to each other, and what each of them hears.

import assert from "node:assert/strict";
import { decoded, level, strongest } from "./sound.mjs";
import { BOB } from "./world.mjs";

const RATE = 48_000;
/** The tones of the one who calls and of the one who answers, in Hz. */
export const CALLER = 500;
export const CALLED = 900;

/** A stream of `frequency` instead of the microphone. */
export const speaking = (frequency) => ({ stream: { tone: frequency, gain: 0.25 } });

/** `caller` calls Bob, who is at `called`: both calls are named `id`, and both sides hear each other. */
export async function talk(caller, called, id) {
  await caller.t("call", "ua", id, BOB.uri, speaking(CALLER));
  await called.t("incoming", "ua", id);
  await called.t("answer", id, speaking(CALLED));
  const [answered] = await Promise.all([caller.t("answered", id), called.t("answered", id)]);
  assert.ok(answered.ok, answered.error?.message);
  await Promise.all([hears(caller, id, CALLED), hears(called, id, CALLER)]);
}

/** How often a page listens before what it hears counts as wrong. */
const TURNS = 5;

/**
 * Half a second of what the page hears in this call, once `isRight` is content with it: sound may need a moment to come,
 * and what is wrong stays wrong. Else the last half second.
 */
export async function listen(page, id, isRight) {
  let samples;
  for (let turn = 0; turn < TURNS; turn += 1) {
    samples = decoded(await page.t("record", id, 1_000)).subarray(RATE / 2);
    if (isRight(samples)) break;
  }
  return samples;
}

/** What the page hears in this call is that tone, clearly above the rest. */
export async function hears(page, id, frequency) {
  const isIt = (found) => Math.abs(found.frequency - frequency) <= 3 && found.level > -40 && found.purity > 10;
  const found = strongest(await listen(page, id, (samples) => isIt(strongest(samples, RATE))), RATE);
  const is = `heard ${found.frequency} Hz at ${found.level.toFixed(1)} dB, ${found.purity.toFixed(1)} dB above the rest, not ${frequency} Hz`;
  assert.ok(isIt(found), is);
}

export async function hearsNothing(page, id) {
  const isSilent = (samples) => level(samples) < -55;
  const samples = await listen(page, id, isSilent);
  assert.ok(isSilent(samples), `heard ${level(samples).toFixed(1)} dB`);
}
