// Measures what the budgets name and prints it: `make bench`. Absolute figures belong to one machine.

import { existsSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import path from "node:path";
import zlib from "node:zlib";
import { root } from "../harness/paths.mjs";
import { cpuSeconds, median, residentKilobytes } from "../harness/figures.mjs";
import { Relay } from "../harness/relay.mjs";
import { ALICE, DOMAIN, World } from "../harness/world.mjs";
import { AnsweringPhone } from "./answering-phone.mjs";

const CALLS = Number(process.env.CALLS ?? 15);
const SECONDS = Number(process.env.SECONDS ?? 20);
const QUIET = { "log.filter": "info" };
const AT_ONCE = Number(process.env.AT_ONCE ?? 8);

function print(name, value) {
  console.log(`${name.padEnd(60)} ${value}`);
}

function sizes() {
  const files = ["npm/wasm/switchhook_core_bg.wasm", "npm/wasm/switchhook_core.js"].map((file) => path.join(root, file)).filter(existsSync);
  const bytes = files.map((file) => readFileSync(file));
  const brotli = (data) => zlib.brotliCompressSync(data, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 11 } }).length;
  print("wasm + glue, raw", `${bytes.reduce((sum, data) => sum + data.length, 0)} B`);
  print("wasm + glue, brotli", `${bytes.reduce((sum, data) => sum + brotli(data), 0)} B`);
  const bundle = path.join(root, "npm/dist/switchhook.js");
  if (existsSync(bundle)) print("npm/dist/switchhook.js, brotli", `${brotli(readFileSync(bundle))} B`);
}

/**
 * Click to INVITE, and answer to first sound, with a phone that speaks in the moment it answers: after ringing for a while
 * (a person), and at once (a machine; ICE and DTLS then run while it already speaks).
 */
async function callTimes(world, { ring, name }) {
  const phone = world.add(await AnsweringPhone.start({ ring }));
  const relay = world.add(await Relay.before(phone.address, QUIET));
  const page = await world.page();
  await page.t("agent", "ua", { server: relay.url });
  const [toInvite, toSound, since] = [[], [], []];
  for (let n = 0; n < CALLS; n += 1) {
    const times = await page.t("timedCall", "ua", `call-${n}`, "sip:phone@pbx.test");
    toInvite.push(times.invite);
    toSound.push(times.sound - times.answered);
    since.push(times.began + times.sound - phone.answeredAt);
    await page.t("hangUp", `call-${n}`);
    await page.t("ended", `call-${n}`);
  }
  // The first call opens the microphone; the others show what a click costs afterwards.
  print(`click to INVITE on the wire, first call (${name})`, `${toInvite[0].toFixed(1)} ms`);
  print(`click to INVITE on the wire, median of ${CALLS - 1} more`, `${median(toInvite.slice(1)).toFixed(1)} ms`);
  print(`answer told to first decoded sound, median (${name})`, `${median(toSound.slice(1)).toFixed(1)} ms`);
  print(`far end answers to first decoded sound, median (${name})`, `${median(since.slice(1)).toFixed(1)} ms`);
  await page.close();
}

/** CPU and memory of the relay, its demo exchange included, while calls run. */
async function load(world) {
  const { pid } = world.relay;
  const page = await world.registered(ALICE);
  await delay(1_000);
  const idleStart = cpuSeconds(pid);
  await delay(5_000);
  print("relay idle, CPU", `${(((cpuSeconds(pid) - idleStart) / 5) * 100).toFixed(2)} %`);
  const memoryBefore = residentKilobytes(pid);
  for (let n = 0; n < AT_ONCE; n += 1) {
    await page.t("call", "ua", `load-${n}`, `sip:echo@${DOMAIN}`);
    await page.t("answered", `load-${n}`);
  }
  await delay(2_000);
  const begin = cpuSeconds(pid);
  await delay(SECONDS * 1_000);
  const used = cpuSeconds(pid) - begin;
  const perCall = used / SECONDS / AT_ONCE;
  print(`relay + exchange, CPU of one transcoded call (${AT_ONCE} at once)`, `${(perCall * 100).toFixed(2)} % of a core, ${(perCall * 20_000).toFixed(0)} µs per 20 ms`);
  print("relay + exchange, memory of one call", `${((residentKilobytes(pid) - memoryBefore) / AT_ONCE).toFixed(0)} kB`);
  for (let n = 0; n < AT_ONCE; n += 1) await page.t("hangUp", `load-${n}`);
  await page.close();
}

sizes();
const world = await World.start({ settings: QUIET });
try {
  await callTimes(world, { ring: 500, name: "rings first" });
  await callTimes(world, { ring: 0, name: "answers at once" });
  await load(world);
} finally {
  await world.stop();
}
