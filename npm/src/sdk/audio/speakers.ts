/**
 * Where sound comes out: the loudspeaker of calls and the one that rings. Choices of the page, for all its user agents.
 *
 * An empty id is the system's default. Where the browser cannot choose (`setSinkId` is not there), nothing happens.
 */

/** What plays on a loudspeaker: an element or an audio context. Not every browser lets it be chosen. */
export type Sink = HTMLMediaElement | AudioContext;

const chosen = { speaker: "", ringer: "" };
/** Elements that play a call now. */
const playing = new Set<Sink>();

/** Can this browser choose a loudspeaker? */
export function canChooseSpeaker(): boolean {
  return typeof HTMLMediaElement !== "undefined" && "setSinkId" in HTMLMediaElement.prototype;
}

/** The id of a choice. */
export function speakerId(which: keyof typeof chosen): string {
  return chosen[which];
}

/** Plays through another loudspeaker, also what plays now. Rejected when the browser refuses; then all is as before. */
export async function chooseSpeaker(which: keyof typeof chosen, id: string): Promise<void> {
  if (which === "speaker") await Promise.all([...playing].map((sink) => sendTo(sink, id)));
  chosen[which] = id;
}

/** Has an element play through the chosen loudspeaker until the returned function is called. */
export function playOnSpeaker(sink: Sink): () => void {
  playing.add(sink);
  route(sink, "speaker");
  return () => playing.delete(sink);
}

/** Sends what plays on `sink` to the loudspeaker of calls, or to the one that rings. */
export function route(sink: Sink, which: keyof typeof chosen): void {
  // A loudspeaker that was taken away must not make the call silent: the default plays then.
  sendTo(sink, chosen[which]).catch(() => sendTo(sink, "").catch(() => undefined));
}

async function sendTo(sink: Sink, id: string): Promise<void> {
  const { setSinkId } = sink as { setSinkId?: (id: string) => Promise<void> };
  await setSinkId?.call(sink, id);
}
