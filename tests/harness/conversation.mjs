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

/** The second after the first one, in which the sound has settled. */
const heard = async (page, id) => decoded(await page.t("record", id, 2_000)).subarray(RATE);

/** What the page hears in this call is that tone, clearly above the rest. */
export async function hears(page, id, frequency) {
  const found = strongest(await heard(page, id), RATE);
  const is = `heard ${found.frequency} Hz at ${found.level.toFixed(1)} dB, ${found.purity.toFixed(1)} dB above the rest, not ${frequency} Hz`;
  assert.ok(Math.abs(found.frequency - frequency) <= 3 && found.level > -40 && found.purity > 10, is);
}

export async function hearsNothing(page, id) {
  const sound = level(await heard(page, id));
  assert.ok(sound < -55, `heard ${sound.toFixed(1)} dB`);
}
