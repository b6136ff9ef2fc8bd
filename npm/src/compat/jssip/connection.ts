/**
 * What `session.connection` is before there is a peer connection: JsSIP makes one at once, ours comes with the core.
 *
 * Listeners that are added early hear what the peer connection says later, tracks among them.
 */

/** Stands in for a peer connection. */
export class PendingConnection extends EventTarget {
  ontrack: ((event: RTCTrackEvent) => void) | null = null;
  onaddstream: ((event: Event & { stream: MediaStream }) => void) | null = null;
  #real: RTCPeerConnection | undefined;
  readonly #forwarded = new Set<string>();

  override addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void {
    super.addEventListener(type, listener, options);
    this.#forwarded.add(type);
    this.#forward(type);
  }

  /** @internal The peer connection is there. */
  connect(real: RTCPeerConnection): void {
    if (this.#real) return;
    this.#real = real;
    this.#forwarded.forEach((type) => { this.#forward(type); });
  }

  /** @internal The other side's sound is there; told by us, since the browser told it before anybody could listen. */
  play(stream: MediaStream): void {
    const transceiver = this.#real?.getTransceivers().find(({ receiver }) => stream.getTracks().includes(receiver.track));
    if (transceiver) {
      const event = new RTCTrackEvent("track", { receiver: transceiver.receiver, track: transceiver.receiver.track, streams: [stream], transceiver });
      this.ontrack?.(event);
      this.dispatchEvent(event);
    }
    const added = Object.assign(new Event("addstream"), { stream });
    this.onaddstream?.(added);
    this.dispatchEvent(added);
  }

  getSenders(): RTCRtpSender[] {
    return this.#real?.getSenders() ?? [];
  }

  getReceivers(): RTCRtpReceiver[] {
    return this.#real?.getReceivers() ?? [];
  }

  getRemoteStreams(): MediaStream[] {
    return [new MediaStream(this.getReceivers().map(({ track }) => track))];
  }

  #forward(type: string): void {
    if (type === "track" || type === "addstream") return;
    this.#real?.addEventListener(type, (event) => { this.dispatchEvent(new Event(event.type)); });
  }
}
