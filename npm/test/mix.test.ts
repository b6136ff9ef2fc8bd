/** What the calls of a conference hear of each other, as sound. */
import type { Call } from "../src/index.js";
import { MixedCall } from "../src/sdk/audio/mix.js";
import { cleanup, same, test, until } from "./harness.js";

/** Of a call, what a mix needs: no core stands behind it. */
class Side extends EventTarget {
  readonly peerConnection = new RTCPeerConnection();
  readonly localStream = new MediaStream();

  constructor(readonly remoteStream: MediaStream) {
    super();
    const [own] = silence();
    if (own) this.peerConnection.addTrack(own);
  }

  /** What this side is sent. */
  get sent(): MediaStream {
    const track = this.peerConnection.getSenders()[0]?.track;
    return new MediaStream(track ? [track] : []);
  }

  mixed(): MixedCall {
    const mixed = new MixedCall(this as unknown as Call);
    cleanup(() => void mixed.end().finally(() => { this.peerConnection.close(); }));
    return mixed;
  }
}

const context = new AudioContext();

function silence(): MediaStreamTrack[] {
  return context.createMediaStreamDestination().stream.getTracks();
}

/** A tone of this many hertz. */
function tone(frequency: number): MediaStreamTrack[] {
  const [oscillator, out] = [new OscillatorNode(context, { frequency }), context.createMediaStreamDestination()];
  oscillator.connect(out);
  oscillator.start();
  cleanup(() => { oscillator.stop(); });
  return out.stream.getTracks();
}

/** Reads how loud a stream is at this frequency, in decibels. */
function meter(stream: MediaStream, frequency: number): () => number {
  const analyser = new AnalyserNode(context, { fftSize: 2048, smoothingTimeConstant: 0 });
  new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(analyser);
  const bins = new Float32Array(analyser.frequencyBinCount);
  return () => {
    analyser.getFloatFrequencyData(bins);
    return bins[Math.round((frequency * analyser.fftSize) / context.sampleRate)] ?? -Infinity;
  };
}

test("a side whose sound is replaced within its stream is still heard by the others", async () => {
  await context.resume();
  const [alice, bob] = [new Side(new MediaStream(tone(440))), new Side(new MediaStream(silence()))];
  const [first, second] = [alice.mixed(), bob.mixed()];
  await Promise.all([first.begin(), second.begin()]);
  second.hear([first]);
  const before = meter(bob.sent, 440);
  await until(() => before() > -50);
  alice.remoteStream.getTracks().forEach((track) => { alice.remoteStream.removeTrack(track); });
  tone(1_760).forEach((track) => { alice.remoteStream.addTrack(track); });
  alice.dispatchEvent(new Event("remotetrack"));
  const after = meter(bob.sent, 1_760);
  await until(() => after() > -50);
  await until(() => before() < -50, "the former sound goes");
});

test("a mix that is over sends the microphone, and hears nobody", async () => {
  await context.resume();
  const [alice, bob] = [new Side(new MediaStream(tone(440))), new Side(new MediaStream(silence()))];
  const [first, second] = [alice.mixed(), bob.mixed()];
  await Promise.all([first.begin(), second.begin()]);
  second.hear([first]);
  const microphone = tone(880);
  microphone.forEach((track) => { bob.localStream.addTrack(track); });
  await second.end();
  same([second.over.aborted, bob.sent.getTracks()[0]?.id], [true, microphone[0]?.id]);
});
