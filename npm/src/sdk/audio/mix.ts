/**
 * One call's part in a mix: what it sends is the microphone and whoever else it is to hear, added up by the page's
 * `AudioContext`.
 *
 * The other side notices nothing: the same sender sends another track.
 */
import type { Call } from "../call.js";
import { type ContextHold, holdContext } from "./context.js";
import { mixMicrophone } from "./microphone.js";

/** A call whose microphone is mixed with other calls. */
export class MixedCall {
  readonly #call: Call;
  readonly #hold: ContextHold = holdContext();
  readonly #out: MediaStreamAudioDestinationNode;
  readonly #stop = new AbortController();
  readonly #heard = new Set<MixedCall>();
  /** Who hears this side. */
  readonly #listeners = new Set<MixedCall>();
  #microphone: MediaStreamAudioSourceNode | undefined;
  #remote: MediaStreamAudioSourceNode | undefined;
  /** What `#remote` plays: a node goes on with its first track when its stream has got another. */
  #remoteTrack: MediaStreamTrack | undefined;
  #pump: HTMLAudioElement | undefined;

  constructor(call: Call) {
    this.#call = call;
    this.#out = new MediaStreamAudioDestinationNode(this.#hold.context, { channelCount: 1 });
    call.addEventListener("remotetrack", () => { void this.begin(); }, { signal: this.over });
    mixMicrophone(call, () => { this.#listen(); });
  }

  /** Aborted once it is mixed no more. */
  get over(): AbortSignal {
    return this.#stop.signal;
  }

  /** Sends the mix instead of the microphone; again where the call has got another connection or another sound. */
  async begin(): Promise<void> {
    this.#listen();
    this.#hearRemote();
    const [mix] = this.#out.stream.getAudioTracks();
    const sender = this.#sender();
    if (mix && sender && sender.track !== mix) await sender.replaceTrack(mix);
  }

  /** From now on this side hears these, and nobody else but the page. */
  hear(others: readonly MixedCall[]): void {
    for (const other of this.#heard) if (!others.includes(other)) this.#unhear(other);
    for (const other of others) {
      if (this.#heard.has(other)) continue;
      this.#heard.add(other);
      other.#listeners.add(this);
      other.#remote?.connect(this.#out);
    }
  }

  /** Sends the microphone alone again. */
  async end(): Promise<void> {
    this.#stop.abort();
    mixMicrophone(this.#call, undefined);
    this.hear([]);
    this.#microphone?.disconnect();
    this.#remote?.disconnect();
    if (this.#pump) this.#pump.srcObject = null;
    this.#hold.release();
    const [track] = this.#call.localStream?.getAudioTracks() ?? [];
    if (track) await this.#sender()?.replaceTrack(track);
  }

  /** The only one of the call: a call has one kind of sound. */
  #sender(): RTCRtpSender | undefined {
    return this.#call.peerConnection?.getSenders().find(({ track }) => track?.kind === "audio");
  }

  #listen(): void {
    this.#microphone?.disconnect();
    this.#microphone = this.#source(this.#call.localStream);
    this.#microphone?.connect(this.#out);
  }

  #hearRemote(): void {
    const stream = this.#call.remoteStream;
    const [track] = stream?.getAudioTracks() ?? [];
    if (!stream || !track || this.#remoteTrack === track) return;
    this.#remoteTrack = track;
    this.#remote?.disconnect();
    // Chromium gives the sound of a peer to a context only while an element plays it, too.
    this.#pump ??= Object.assign(document.createElement("audio"), { muted: true });
    this.#pump.srcObject = stream;
    this.#pump.play().catch(() => undefined);
    this.#remote = this.#source(stream);
    for (const listener of this.#listeners) this.#remote?.connect(listener.#out);
  }

  #unhear(other: MixedCall): void {
    this.#heard.delete(other);
    other.#listeners.delete(this);
    try {
      other.#remote?.disconnect(this.#out);
    } catch {
      // It was not connected: its sound came, or went, meanwhile.
    }
  }

  #source(stream: MediaStream | undefined): MediaStreamAudioSourceNode | undefined {
    const hasSound = stream?.getAudioTracks().length;
    return hasSound ? new MediaStreamAudioSourceNode(this.#hold.context, { mediaStream: stream }) : undefined;
  }
}
