// What a page can hear and say in a test: records streams, makes tones, plays files into a call.

let context;

/** The page's one AudioContext, at 48 kHz. */
export async function audio() {
  if (!context) {
    context = new AudioContext({ sampleRate: 48_000 });
    await context.audioWorklet.addModule(new URL("recorder.js", import.meta.url));
  }
  return context;
}

/** Does the AudioContext run? Not in Firefox on a machine without a sound device, where `resume` waits for ever. */
async function runs(audioContext) {
  const late = new Promise((resolve) => setTimeout(resolve, 1_000));
  await Promise.race([audioContext.resume(), late]);
  return audioContext.state === "running";
}

/**
 * The moment at which the browser has decoded the first sound of `stream`, on `performance.now()`'s clock: read from the
 * track's own frames, since a recorder hears through an AudioContext, tens of milliseconds later. Chromium only.
 */
export async function decoded(stream) {
  const [track] = stream.getAudioTracks();
  const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
  // Chromium pulls a remote stream only while an element plays it.
  const element = new Audio();
  element.muted = true;
  element.srcObject = stream;
  element.play().catch(() => {});
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return undefined;
    const samples = new Float32Array(value.numberOfFrames);
    value.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
    value.close();
    if (!samples.some((sample) => Math.abs(sample) > 0.01)) continue;
    const at = performance.now();
    reader.cancel();
    element.srcObject = null;
    return at;
  }
}

/**
 * Starts to record; `stop()` gives the samples as base64 of 16-bit PCM at 48 kHz. Where the AudioContext runs, `read()`
 * gives them as they are so far.
 */
export async function recorder(stream) {
  const audioContext = await audio();
  return (await runs(audioContext)) ? sampleRecorder(audioContext, stream) : encodedRecorder(stream);
}

function sampleRecorder(audioContext, stream) {
  // Chromium pulls a remote stream only while an element plays it.
  const element = new Audio();
  element.muted = true;
  element.srcObject = stream;
  element.play().catch(() => {});
  const source = audioContext.createMediaStreamSource(stream);
  const worklet = new AudioWorkletNode(audioContext, "recorder", { numberOfInputs: 1, numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
  const chunks = [];
  worklet.port.onmessage = ({ data }) => {
    chunks.push(data);
  };
  source.connect(worklet);
  return {
    restart: () => {
      chunks.length = 0;
    },
    read: () => encode(chunks),
    stop: () => {
      source.disconnect();
      worklet.disconnect();
      element.srcObject = null;
      return encode(chunks);
    },
  };
}

/** Records through the browser's encoder and decodes what it wrote: needs no sound device. */
function encodedRecorder(stream) {
  const media = new MediaRecorder(stream, { audioBitsPerSecond: 128_000 });
  const parts = [];
  media.ondataavailable = ({ data }) => parts.push(data);
  media.start();
  return {
    stop: async () => {
      const stopped = new Promise((resolve) => (media.onstop = resolve));
      media.stop();
      await stopped;
      const decoder = new OfflineAudioContext(1, 1, 48_000);
      const buffer = await decoder.decodeAudioData(await new Blob(parts).arrayBuffer());
      return encode([buffer.getChannelData(0)]);
    },
  };
}

/** Records for a while. */
export async function record(stream, ms) {
  const running = await recorder(stream);
  await new Promise((resolve) => setTimeout(resolve, ms));
  return running.stop();
}

/** A stream that plays a sound file once, from when `start` is called; for calls that need an exact beginning. */
export async function filePlayer(url) {
  const audioContext = await audio();
  const buffer = await audioContext.decodeAudioData(await (await fetch(url)).arrayBuffer());
  const destination = audioContext.createMediaStreamDestination();
  return {
    stream: destination.stream,
    start: () => {
      const source = audioContext.createBufferSource();
      source.buffer = buffer;
      source.connect(destination);
      source.start();
      return buffer.duration;
    },
  };
}

/** A stream with one steady tone. */
export async function toneStream(frequency, gain) {
  const audioContext = await audio();
  const oscillator = audioContext.createOscillator();
  oscillator.frequency.value = frequency;
  const volume = audioContext.createGain();
  volume.gain.value = gain;
  const destination = audioContext.createMediaStreamDestination();
  oscillator.connect(volume).connect(destination);
  oscillator.start();
  return destination.stream;
}

function encode(chunks) {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const bytes = new Uint8Array(length * 2);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const chunk of chunks) {
    for (const sample of chunk) {
      view.setInt16(at, Math.round(Math.max(-1, Math.min(1, sample)) * 32_767), true);
      at += 2;
    }
  }
  let text = "";
  for (let from = 0; from < bytes.length; from += 0x8000) text += String.fromCharCode(...bytes.subarray(from, from + 0x8000));
  return btoa(text);
}
