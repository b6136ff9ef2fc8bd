/** Microphones and loudspeakers: chosen, changed in a call, taken away. The browser's fake devices are real ones here. */
import { type Call, type DevicesChangeEvent, InputLostEvent, SipError, UserAgent } from "../src/index.js";
import { core, fake } from "./fake-core.js";
import { cleanup, next, ok, rejection, same, test, until } from "./harness.js";

function agent(input: MediaTrackConstraints | boolean = true): UserAgent {
  fake.core = undefined;
  const ua = new UserAgent({ server: "/sip", audio: { ringback: false, ringtone: false, input } });
  cleanup(() => { void ua.close(); fake.local = fake.peer = undefined; });
  return ua;
}

/** A call with a microphone and a peer connection, as the core has them. */
async function talking(ua: UserAgent, stream?: MediaStream): Promise<Call> {
  const local = (fake.local = stream ?? (await navigator.mediaDevices.getUserMedia({ audio: true })));
  const peer = (fake.peer = new RTCPeerConnection());
  local.getTracks().forEach((track) => peer.addTrack(track, local));
  cleanup(() => { peer.close(); local.getTracks().forEach((track) => { track.stop(); }); });
  const call = ua.call("echo", stream ? { stream } : {});
  await until(() => fake.core?.commands.includes("call echo"));
  core().change(1, "active", 200);
  return call;
}

function track(call: Call): MediaStreamTrack {
  const [found] = call.localStream?.getAudioTracks() ?? [];
  ok(found, "no local track");
  return found;
}

async function inputs(ua: UserAgent): Promise<string[]> {
  return (await ua.devices.list()).filter(({ kind }) => kind === "input").map(({ id }) => id);
}

test("the list names microphones and loudspeakers once each", async () => {
  const ua = agent();
  (await navigator.mediaDevices.getUserMedia({ audio: true })).getTracks().forEach((each) => { each.stop(); });
  const devices = await ua.devices.list();
  ok(devices.some(({ kind }) => kind === "input") && devices.some(({ kind }) => kind === "output"));
  ok(devices.every(({ id, label }) => id !== "default" && label !== ""), JSON.stringify(devices));
});

test("another microphone is sent in a call that is under way, and the old one is switched off", async () => {
  const ua = agent();
  const call = await talking(ua);
  const old = track(call);
  const id = (await inputs(ua)).find((each) => each !== old.getSettings().deviceId);
  ok(id);
  await ua.devices.setInput(id);
  same([track(call).getSettings().deviceId, old.readyState, ua.devices.input], [id, "ended", id]);
  same(call.peerConnection?.getSenders()[0]?.track?.id, track(call).id);
});

test("the choice holds for later calls: the core finds it in its constraints", async () => {
  const ua = agent();
  const [id] = await inputs(ua);
  ok(id);
  await until(() => fake.core);
  await ua.devices.setInput(id);
  same(core().config.audio, { deviceId: { exact: id } });
  await ua.devices.setInput("");
  same(core().config.audio, {});
});

test("a chosen microphone that is gone is asked for again only when it is back", async () => {
  const ua = agent();
  const [id] = await inputs(ua);
  ok(id);
  await until(() => fake.core);
  await ua.devices.setInput(id);
  const real = navigator.mediaDevices.enumerateDevices.bind(navigator.mediaDevices);
  cleanup(() => { navigator.mediaDevices.enumerateDevices = real; });
  navigator.mediaDevices.enumerateDevices = async () => (await real()).filter(({ deviceId }) => deviceId !== id);
  navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
  await until(() => JSON.stringify(core().config.audio) === "{}");
  navigator.mediaDevices.enumerateDevices = real;
  navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
  await until(() => JSON.stringify(core().config.audio) === JSON.stringify({ deviceId: { exact: id } }));
});

/** Devices come and go; these microphones are left. */
async function changed(ua: UserAgent, left?: string[]): Promise<void> {
  const { mediaDevices } = navigator;
  const real = mediaDevices.enumerateDevices.bind(mediaDevices);
  if (left) mediaDevices.enumerateDevices = async () => (await real()).filter(({ deviceId }) => left.includes(deviceId));
  const told = next(ua.devices, "devicechange");
  mediaDevices.dispatchEvent(new Event("devicechange"));
  await told;
  mediaDevices.enumerateDevices = real;
}

test("the microphone that the page named is kept while devices change, left out while it is gone, until one is chosen", async () => {
  const [other = "", id = ""] = await inputs(agent());
  const ua = agent({ deviceId: { exact: id } });
  await until(() => fake.core);
  await changed(ua);
  same(core().config.audio, { deviceId: { exact: id } });
  await changed(ua, [other]);
  await until(() => JSON.stringify(core().config.audio) === "{}");
  await changed(ua);
  await until(() => JSON.stringify(core().config.audio) === JSON.stringify({ deviceId: { exact: id } }));
  await ua.devices.setInput("");
  same(core().config.audio, {});
});

test("a muted call stays muted with another microphone", async () => {
  const ua = agent();
  const call = await talking(ua);
  call.mute();
  await ua.devices.setInput((await inputs(ua))[1] ?? "");
  same(track(call).enabled, false);
});

test("a held call stays silent with another microphone", async () => {
  const ua = agent();
  const call = await talking(ua);
  core().say({ type: "holdChange", call: 1, local: true, remote: false });
  await ua.devices.setInput((await inputs(ua))[1] ?? "");
  same([call.held.local, track(call).enabled], [true, false]);
});

/** The microphones that are opened from now on. */
function opening(): MediaStreamTrack[] {
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  const opened: MediaStreamTrack[] = [];
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await real(wanted);
    opened.push(...stream.getAudioTracks());
    return stream;
  };
  cleanup(() => { navigator.mediaDevices.getUserMedia = real; });
  return opened;
}

/** Has the sender change only when `during` is done. */
function whileReplacing(call: Call, during: () => void | Promise<void>): void {
  const sender = call.peerConnection?.getSenders()[0];
  ok(sender);
  const replace = sender.replaceTrack.bind(sender);
  sender.replaceTrack = async (next) => { await during(); await replace(next); };
}

test("a mute while the microphone changes holds for the new one", async () => {
  const ua = agent();
  const call = await talking(ua);
  whileReplacing(call, () => { call.mute(); });
  await ua.devices.setInput((await inputs(ua))[1] ?? "");
  same([call.muted, track(call).enabled], [true, false]);
});

test("a microphone that the call does not take is switched off again", async () => {
  const ua = agent();
  const call = await talking(ua);
  const old = track(call);
  const opened = opening();
  whileReplacing(call, () => Promise.reject(new DOMException("", "InvalidStateError")));
  await rejection(ua.devices.setInput((await inputs(ua))[1] ?? ""));
  same([opened[0]?.readyState, track(call) === old, old.readyState], ["ended", true, "live"]);
});

test("a microphone that the page opened itself is not exchanged for another", async () => {
  const ua = agent();
  const call = await talking(ua, await navigator.mediaDevices.getUserMedia({ audio: true }));
  const own = track(call);
  await ua.devices.setInput((await inputs(ua)).find((id) => id !== own.getSettings().deviceId) ?? "");
  same([track(call) === own, own.readyState], [true, "live"]);
});

test("where the page's own sound ends, no microphone takes its place, in calls either way", async () => {
  const ua = agent();
  const context = new AudioContext();
  cleanup(() => void context.close());
  const { stream } = context.createMediaStreamDestination();
  const made = await talking(ua, stream);
  fake.local = undefined; // Nothing is sent before the answer.
  core().incoming(7);
  const answered = ua.calls[1];
  ok(answered);
  fake.local = stream;
  answered.answer({ stream });
  const own = track(made);
  own.dispatchEvent(new Event("ended"));
  await ua.devices.setInput("");
  same([track(made) === own, track(answered) === own], [true, true]);
});

test("a call that sends the page's own sound keeps it", async () => {
  const ua = agent();
  const context = new AudioContext();
  const { stream } = context.createMediaStreamDestination();
  const call = await talking(ua, stream);
  const own = track(call);
  await ua.devices.setInput((await inputs(ua))[0] ?? "");
  same([track(call).id, own.readyState], [own.id, "live"]);
  await context.close();
});

test("a microphone that does not exist is refused with a sentence, and nothing changes", async () => {
  const ua = agent();
  const call = await talking(ua);
  const before = track(call);
  const error = await rejection(ua.devices.setInput("no such device"));
  ok(error instanceof SipError);
  same([error.code, track(call).id, before.readyState, ua.devices.input], ["MIC_NOT_FOUND", before.id, "live", ""]);
});

test("a microphone that is taken away is replaced, and the page hears of it", async () => {
  const ua = agent();
  const call = await talking(ua);
  const lost = track(call);
  const told = next<InputLostEvent>(ua.devices, "inputlost");
  lost.stop();
  lost.dispatchEvent(new Event("ended"));
  const { label, replacement, error } = await told;
  same([label, error, track(call).readyState], [lost.label, undefined, "live"]);
  ok(replacement && track(call).id !== lost.id);
});

test("without another microphone the loss is told, and the next device that is connected is taken", async () => {
  const ua = agent();
  const call = await talking(ua);
  const lost = track(call);
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", "NotFoundError"));
  cleanup(() => { navigator.mediaDevices.getUserMedia = real; });
  const told = next<InputLostEvent>(ua.devices, "inputlost");
  lost.stop();
  lost.dispatchEvent(new Event("ended"));
  const { replacement, error } = await told;
  same([replacement, error?.code], [undefined, "MIC_NOT_FOUND"]);
  navigator.mediaDevices.getUserMedia = real;
  const changed = next<DevicesChangeEvent>(ua.devices, "devicechange");
  navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
  ok((await changed).devices.length > 0);
  await until(() => track(call).readyState === "live");
});

test("the loudspeaker is chosen for what plays now and later, and a wrong one is refused", async () => {
  const ua = agent();
  const stream = (fake.stream = await navigator.mediaDevices.getUserMedia({ audio: true }));
  const element = document.createElement("audio");
  const call = ua.call("echo", { audio: { element } });
  await until(() => fake.core?.commands.includes("call echo"));
  core().say({ type: "remoteTrack", call: 1 });
  const id = (await ua.devices.list()).find(({ kind }) => kind === "output")?.id ?? "";
  await ua.devices.setOutput(id);
  same([element.sinkId, ua.devices.output], [id, id]);
  const error = await rejection(ua.devices.setOutput("no such loudspeaker"));
  ok(error instanceof SipError);
  same([error.code, element.sinkId], ["INVALID_ARGUMENT", id]);
  await ua.devices.setOutput("");
  call.hangUp();
  stream.getTracks().forEach((each) => { each.stop(); });
  fake.stream = undefined;
});

test("a microphone test hears the microphone and switches it off again", async () => {
  const ua = agent();
  const levels: number[] = [];
  const { label, heard, peak } = await ua.devices.testMicrophone({ duration: 1_500, onLevel: (level) => levels.push(level) });
  ok(heard && label !== "" && levels.length > 5, `peak ${String(peak)}, ${String(levels.length)} levels`);
});

test("a microphone test that fails switches the microphone off again", async () => {
  const ua = agent();
  const opened = opening();
  const error = await rejection(ua.devices.testMicrophone({ duration: -1 }));
  ok(error instanceof TypeError);
  same(opened[0]?.readyState, "ended");
});

test("a closed user agent hears of no device any more", async () => {
  const ua = agent();
  let heard = 0;
  ua.devices.on("devicechange", () => { heard += 1; });
  await ua.close();
  const other = agent();
  const told = next(other.devices, "devicechange");
  navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
  await told;
  same(heard, 0);
});
