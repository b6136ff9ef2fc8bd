/** Ringback and ring tone: when they sound, and that they stop. */
import { type RingbackRegion, UserAgent } from "../src/index.js";
import { core, fake } from "./fake-core.js";
import { cleanup, next, ok, same, test, until } from "./harness.js";

const playing = new Set<AudioScheduledSourceNode>();
const buffers: AudioBuffer[] = [];

/** Counts what plays; the real node still does. */
class CountedSource extends AudioBufferSourceNode {
  override start(when?: number): void {
    playing.add(this);
    if (this.buffer) buffers.push(this.buffer);
    super.start(when);
  }

  override stop(when?: number): void {
    playing.delete(this);
    super.stop(when);
  }
}

globalThis.AudioBufferSourceNode = CountedSource;

async function agent(audio: { ringback?: RingbackRegion | false; ringtone?: boolean } = {}): Promise<UserAgent> {
  fake.core = undefined;
  const ua = new UserAgent({ server: "/sip", audio });
  cleanup(() => { void ua.close(); });
  await until(() => fake.core?.commands.length);
  return ua;
}

async function calling(audio = {}): Promise<void> {
  (await agent(audio)).call("bob");
  await until(() => core().commands.includes("call bob"));
}

/** How much of `frequency` is in the first half second, by Goertzel's algorithm. */
function strength(buffer: AudioBuffer, frequency: number): number {
  const samples = buffer.getChannelData(0).subarray(0, buffer.sampleRate / 2);
  const factor = 2 * Math.cos((2 * Math.PI * frequency) / buffer.sampleRate);
  let [last, before] = [0, 0];
  for (const sample of samples) [last, before] = [sample + factor * last - before, last];
  return (2 * Math.sqrt(last * last + before * before - factor * last * before)) / samples.length;
}

test("ringback sounds while it rings there, and stops when they send sound of their own", async () => {
  await calling();
  core().change(1, "calling");
  const sounding = [playing.size];
  core().change(1, "ringing", 180);
  sounding.push(playing.size);
  core().change(1, "early", 183);
  sounding.push(playing.size);
  same(sounding, [0, 1, 0]);
});

test("ringback is the tone of the region, at a moderate level", async () => {
  await calling({ ringback: "us" });
  core().change(1, "ringing", 180);
  const buffer = buffers.at(-1);
  ok(buffer);
  ok(strength(buffer, 440) > 0.03 && strength(buffer, 480) > 0.03 && strength(buffer, 425) < 0.01);
  ok(Math.max(...buffer.getChannelData(0)) < 0.3);
  same(buffer.duration, 6);
});

test("no tone outlives its call", async () => {
  await calling();
  core().change(1, "ringing", 180);
  core().end(1);
  same(playing.size, 0);
});

test("an incoming call rings until it is answered", async () => {
  const ua = await agent();
  ua.on("incomingcall", ({ call }) => { same([call.state, playing.size], ["ringing", 1]); call.answer(); });
  const incoming = next(ua, "incomingcall");
  core().incoming(7);
  await incoming;
  same(playing.size, 0);
});

test("both tones can be switched off", async () => {
  const ua = await agent({ ringback: false, ringtone: false });
  core().incoming(7);
  ua.call("bob");
  await until(() => core().commands.includes("call bob"));
  core().change(1, "ringing");
  same(playing.size, 0);
});
