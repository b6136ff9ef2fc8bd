// Firefox calls echo: sound both ways.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startFirefox } from "../harness/browser.mjs";
import { Stack } from "../harness/process.mjs";
import { Relay } from "../harness/relay.mjs";
import { startSite } from "../harness/site.mjs";
import { decoded, strongest } from "../harness/sound.mjs";
import { ALICE, DOMAIN, loadedPage } from "../harness/world.mjs";

const RATE = 48_000;
const stack = new Stack();
let relay;
let page;
before(async () => {
  const site = stack.add(await startSite());
  // Firefox sends nothing from its own address to 127.0.0.1, so the relay announces the machine's address as well, as
  // it does by default.
  relay = stack.add(await Relay.demo({ "media.web_listen": "0.0.0.0:0" }));
  const browser = stack.add(await startFirefox({ frequency: 900 }));
  page = await loadedPage(browser, site);
});
after(() => stack.stop());

test("Firefox hears its own tone from echo", async () => {
  await page.t("agent", "ua", { server: relay.url, account: ALICE });
  await page.t("registration", "ua", "registered");
  await page.t("call", "ua", "echo", `sip:echo@${DOMAIN}`);
  const answered = await page.t("answered", "echo");
  assert.ok(answered.ok, answered.error?.message);
  await page.t("connected", "echo");
  const heard = decoded(await page.t("record", "echo", 4_000)).subarray(RATE);
  const found = strongest(heard, RATE);
  assert.ok(Math.abs(found.frequency - 900) <= 5, `heard ${found.frequency} Hz at ${found.level.toFixed(1)} dB`);
  assert.ok(found.purity > 6, `${found.purity.toFixed(1)} dB above the rest`);
  await page.t("hangUp", "echo");
  assert.equal((await page.t("ended", "echo")).by, "local");
  await relay.isIdle();
  assert.deepEqual(page.uncaught(), []);
});
