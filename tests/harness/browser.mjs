// Browsers with a fake microphone: Chromium through Playwright, Firefox ESR through WebDriver BiDi.

import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";
import puppeteer from "puppeteer-core";

/** Keeps a browser from calling home, which on a machine without a network only costs time. */
const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
  // A hidden page's timers must not be slowed down in the middle of a test.
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
];

/**
 * Chromium whose microphone plays `microphone` (a WAV file, over and over), or a permission dialog that is always
 * answered no when `microphone` is "denied".
 */
export async function startChromium({ microphone, args = [] } = {}) {
  const denied = microphone === "denied";
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: [
      ...QUIET,
      "--use-fake-device-for-media-stream",
      denied ? "--deny-permission-prompts" : "--use-fake-ui-for-media-stream",
      ...(microphone && !denied ? [`--use-file-for-fake-audio-capture=${microphone}`] : []),
      ...args,
    ],
  });
  return {
    name: "Chromium",
    version: browser.version(),
    /** A page of its own, with its own storage. */
    page: async (url) => {
      const context = await browser.newContext({ permissions: denied ? [] : ["microphone"] });
      const page = await context.newPage();
      const frames = wiretap(page);
      return { ...(await opened(page, url, { close: () => context.close() })), frames };
    },
    stop: () => browser.close(),
  };
}

/** Firefox whose microphone is a sine of `frequency` Hz. */
export async function startFirefox({ frequency = 1_000 } = {}) {
  const profile = await mkdtemp(path.join(os.tmpdir(), "switchhook-firefox-"));
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
    headless: true,
    userDataDir: profile,
    extraPrefsFirefox: {
      "media.navigator.streams.fake": true,
      "media.navigator.permission.disabled": true,
      "media.navigator.audio.fake_frequency": frequency,
      "media.autoplay.default": 0,
      "media.peerconnection.ice.loopback": true,
      "media.peerconnection.ice.obfuscate_host_addresses": false,
    },
  });
  return {
    name: "Firefox",
    version: await browser.version(),
    page: async (url) => opened(await browser.newPage(), url, {}),
    stop: async () => {
      await browser.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

/** Every WebSocket message of a page, in order. */
function wiretap(page) {
  const frames = [];
  page.on("websocket", (socket) => {
    socket.on("framesent", ({ payload }) => frames.push({ sent: true, at: Date.now(), text: String(payload) }));
    socket.on("framereceived", ({ payload }) => frames.push({ sent: false, at: Date.now(), text: String(payload) }));
  });
  return frames;
}

/** The few verbs that both drivers share; what the page prints is kept for failures. */
async function opened(page, url, { close }) {
  const said = [];
  page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => said.push(`uncaught: ${error.message}`));
  await page.goto(url);
  return {
    raw: page,
    said,
    uncaught: () => said.filter((line) => line.startsWith("uncaught")),
    evaluate: (code, argument) => page.evaluate(code, argument),
    close: close ?? (() => page.close()),
  };
}
