/**
 * Plays what the other side sends, and says so when the browser will not play before the person touches the page.
 *
 * Make it inside the click: Safari gives sound only to an element that was made, or played, in a gesture.
 */

import { playOnSpeaker } from "./audio/speakers.js";

/** The sound of one call. */
export class RemoteAudio {
  readonly #onBlocked: () => void;
  #element: HTMLAudioElement;
  #stream: MediaStream | undefined;
  #leaveSpeaker: (() => unknown) | undefined;

  constructor(element: HTMLAudioElement | undefined, onBlocked: () => void) {
    this.#element = element ?? hiddenElement();
    this.#onBlocked = onBlocked;
  }

  get element(): HTMLAudioElement {
    return this.#element;
  }

  /** Plays through another element from now on. */
  attach(element: HTMLAudioElement): void {
    const stream = this.#stream;
    this.stop();
    this.#element = element;
    if (stream) this.play(stream);
  }

  play(stream: MediaStream): void {
    this.#stream = stream;
    this.#element.srcObject = stream;
    this.#leaveSpeaker ??= playOnSpeaker(this.#element);
    this.unlock().catch((error: unknown) => {
      if (isBlocked(error) && this.#stream) this.#onBlocked();
    });
  }

  /** Tries to play again; call it inside a click. */
  async unlock(): Promise<void> {
    if (this.#stream) await this.#element.play();
  }

  /** Lets go of the stream, so that the element holds nothing of a call that is over. */
  stop(): void {
    this.#stream = undefined;
    this.#leaveSpeaker?.();
    this.#leaveSpeaker = undefined;
    this.#element.pause();
    this.#element.srcObject = null;
  }
}

function hiddenElement(): HTMLAudioElement {
  const element = document.createElement("audio");
  element.autoplay = true;
  element.setAttribute("playsinline", "");
  return element;
}

/** `AbortError` only means that another `play` or a `pause` came in between. */
function isBlocked(error: unknown): boolean {
  return error instanceof DOMException && error.name === "NotAllowedError";
}
