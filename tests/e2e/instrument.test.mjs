// The instrument itself: what a fake microphone says through a peer connection inside one page is what we measure.
// When this fails, the other results mean nothing.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startChromium, startFirefox } from "../harness/browser.mjs";
import { Stack } from "../harness/process.mjs";
import { startSite } from "../harness/site.mjs";
import { decoded, digits, join, level, silence, strongest, tone, writeWav } from "../harness/sound.mjs";

const stack = new Stack();
let site;
before(async () => {
  site = stack.add(await startSite());
});
after(() => stack.stop());

test("a tone in Chromium's microphone is heard with its frequency and level", async () => {
  const microphone = await writeWav("tone-700.wav", tone(700, 2, { level: -12 }));
  const browser = stack.add(await startChromium({ microphone }));
  const page = await browser.page(`${site.url}/instrument.html`);
  const heard = decoded(await page.evaluate(() => window.loop(3_000)));
  const found = strongest(heard.subarray(48_000), 48_000);
  assert.ok(Math.abs(found.frequency - 700) <= 2, `heard ${found.frequency} Hz`);
  assert.ok(Math.abs(found.level + 12) < 1.5, `at ${found.level} dB`);
});

test("a tone in Firefox's microphone is heard", async () => {
  const browser = stack.add(await startFirefox({ frequency: 900 }));
  const page = await browser.page(`${site.url}/instrument.html`);
  const heard = decoded(await page.evaluate(() => window.loop(3_000)));
  const found = strongest(heard.subarray(48_000), 48_000);
  assert.ok(Math.abs(found.frequency - 900) <= 4, `heard ${found.frequency} Hz at ${found.level} dB`);
  assert.ok(found.purity > 6, `${found.purity} dB above the rest`);
});

test("digits are read from their tone pairs, and from nothing else", () => {
  const rate = 8_000;
  const press = (low, high) => tone(low, 0.09, { rate, level: -9 }).map((sample, n) => sample + tone(high, 0.09, { rate, level: -9 })[n]);
  const gap = silence(0.07, rate);
  const dialled = join(gap, press(697, 1209), gap, press(770, 1336), gap, press(770, 1336), gap, press(941, 1477), gap);
  assert.equal(digits(dialled, rate), "155#");
  assert.equal(digits(tone(941, 1, { rate }), rate), "");
  assert.ok(level(silence(1, rate)) < -100);
});
