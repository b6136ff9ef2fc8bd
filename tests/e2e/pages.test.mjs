// The two demo pages as a visitor uses them: by what is written on buttons, not by what is inside.

import assert from "node:assert/strict";
import path from "node:path";
import { after, afterEach, before, test } from "node:test";
import { logs, root } from "../harness/paths.mjs";
import { until } from "../harness/process.mjs";
import { World } from "../harness/world.mjs";

let world;
before(async () => {
  world = await World.start({ settings: { "web.site": path.join(root, "demo-site/dist") } });
});
after(() => world?.stop());
afterEach(() => world.clear());

async function open(name) {
  const page = world.watch(await world.browser.page(`${world.relay.http}/${name}`));
  page.picture = (title) => page.raw.screenshot({ path: path.join(logs, `page-${title}.png`) });
  return page;
}

function phase(page) {
  return page.evaluate(() => document.querySelector("call-button").phase);
}

test("the shop's page calls with one click, says so, and ends with another", async () => {
  const page = await open("index.html");
  await page.raw.getByRole("radio", { name: /^echo/ }).check();
  await page.raw.getByRole("button", { name: "Call the workshop" }).click();
  await until(async () => (await phase(page)) === "active", { ms: 15_000, what: "the button's call is active" });
  await page.raw.getByText(/^\d+:\d\d$/).first().waitFor();
  await page.picture("shop");
  await page.raw.getByRole("button", { name: "Mute" }).click();
  await page.raw.locator('call-button [part="mute"][aria-pressed="true"]').waitFor();
  await page.raw.getByRole("button", { name: "Hang up" }).click();
  await until(async () => (await phase(page)) === "ended", { what: "the button's call is over" });
  await world.relay.isIdle();
  assert.deepEqual(page.uncaught(), []);
  await page.close();
});

test("the shop's page says it when the line is busy", async () => {
  const page = await open("index.html");
  await page.raw.getByRole("radio", { name: /^busy/ }).check();
  await page.raw.getByRole("button", { name: "Call the workshop" }).click();
  await page.raw.getByText("The line is busy").first().waitFor();
  assert.equal(await phase(page), "error");
  await page.close();
});

async function signIn(name) {
  const page = await open("softphone.html");
  await page.raw.getByRole("button", { name }).click();
  await page.raw.getByText("Ready for calls").first().waitFor();
  return page;
}

test("two softphones call each other by what is written on them", async () => {
  const [alice, bob] = [await signIn(/^alice/i), await signIn(/^bob/i)];
  await alice.raw.getByRole("textbox", { name: "Number or address" }).fill("bob");
  await alice.raw.getByRole("button", { name: "Call", exact: true }).click();
  await bob.raw.getByText("Incoming call").first().waitFor();
  await bob.picture("softphone-incoming");
  await bob.raw.getByRole("button", { name: "Answer", exact: true }).click();
  for (const page of [alice, bob]) await page.raw.getByText(/^\d+:\d\d$/).first().waitFor();
  await alice.picture("softphone-talking");
  await bob.raw.getByRole("button", { name: "Hang up" }).click();
  await alice.raw.getByText("Call ended").first().waitFor();
  await world.relay.isIdle();
  assert.deepEqual([...alice.uncaught(), ...bob.uncaught()], []);
  await Promise.all([alice.close(), bob.close()]);
});

test("the dial pad reaches ivr, and its keys send digits", async () => {
  const page = await signIn(/^alice/i);
  await page.raw.getByRole("button", { name: /^ivr/ }).click();
  await page.raw.getByRole("button", { name: "Call", exact: true }).click();
  await page.raw.getByText(/^\d+:\d\d$/).first().waitFor();
  await page.raw.locator('web-phone [part="keypad-toggle"]').click();
  for (const key of ["1", "5", "9"]) await page.raw.locator('[part="key"]:visible', { hasText: key }).click();
  await page.raw.getByText("159").first().waitFor();
  await page.raw.getByRole("button", { name: "Hang up" }).click();
  await world.relay.isIdle();
  assert.deepEqual(page.uncaught(), []);
  await page.close();
});

test("a softphone transfers a caller: at once, and after asking first", async () => {
  for (const how of ["Transfer now", "Ask first"]) {
    const [alice, bob] = [await signIn(/^alice/i), await signIn(/^bob/i)];
    await alice.raw.getByRole("textbox", { name: "Number or address" }).fill("bob");
    await alice.raw.getByRole("button", { name: "Call", exact: true }).click();
    await bob.raw.getByRole("button", { name: "Answer", exact: true }).click();
    await bob.raw.getByRole("button", { name: "Transfer", exact: true }).click();
    await bob.raw.getByRole("textbox", { name: "Transfer to" }).fill("music");
    await bob.raw.getByRole("button", { name: how }).click();
    if (how === "Ask first") {
      await bob.raw.locator('web-phone [part="talk"]', { hasText: /music.*\d:\d\d/s }).waitFor();
      await bob.picture("softphone-consulting");
      await bob.raw.getByRole("button", { name: "Connect the two" }).click();
    }
    // The exchange connects the two itself: nobody at Alice's phone notices, and nobody has to agree.
    await bob.raw.getByText("Call ended").first().waitFor();
    assert.equal(await alice.evaluate(() => document.querySelector("web-phone").state.call.phase), "active");
    await alice.raw.getByRole("button", { name: "Hang up" }).click();
    assert.deepEqual([...alice.uncaught(), ...bob.uncaught()], []);
    await Promise.all([alice.close(), bob.close()]);
    await world.relay.isIdle();
  }
});

test("the choice of a microphone in the settings holds for the next call", async () => {
  const page = await signIn(/^alice/i);
  await page.raw.getByRole("button", { name: "Settings" }).click();
  await page.raw.getByRole("button", { name: "Test the microphone" }).click();
  await page.raw.getByText("The microphone works.").waitFor();
  const microphones = page.raw.getByRole("combobox", { name: "Microphone" });
  const id = await microphones.locator("option").nth(2).getAttribute("value");
  await microphones.selectOption(id);
  const call = page.evaluate(() => new Promise((resolve) => {
    document.querySelector("web-phone").addEventListener("callstart", ({ call }) => resolve(call.answered.then(() => call.localStream.getAudioTracks()[0].getSettings().deviceId)));
  }));
  await page.raw.getByRole("button", { name: "Keypad" }).click();
  await page.raw.getByRole("button", { name: /^echo/ }).click();
  await page.raw.getByRole("button", { name: "Call", exact: true }).click();
  assert.equal(await call, id);
  await page.raw.getByText(/Sound: (good|fair)/).waitFor();
  await page.picture("softphone-quality");
  await page.raw.getByRole("button", { name: "Hang up" }).click();
  await world.relay.isIdle();
  await page.close();
});

test("nothing sticks out of either page at 320 pixels", async () => {
  for (const name of ["index.html", "softphone.html"]) {
    const page = await open(name);
    await page.raw.setViewportSize({ width: 320, height: 800 });
    const out = await page.evaluate(() =>
      [...document.querySelectorAll("body *")]
        .filter((element) => element.getBoundingClientRect().right > innerWidth && element.checkVisibility())
        .map((element) => element.outerHTML.slice(0, 80)));
    assert.deepEqual(out, [], name);
    await page.close();
  }
});
