/**
 * The page's one `AudioContext`: made when it is first needed, suspended while nobody needs it.
 *
 * Browsers allow few of them, and a running one keeps the loudspeaker awake.
 */

/** Somebody's need of the context. */
export interface ContextHold {
  readonly context: AudioContext;
  /** It is not needed any more; the last one suspends it. */
  release(): void;
}

let context: AudioContext | undefined;
const holds = new Set<ContextHold>();

/** Makes or wakes the context for as long as the hold is not released. */
export function holdContext(): ContextHold {
  const audio = (context ??= new AudioContext());
  const hold: ContextHold = {
    context: audio,
    release() {
      if (holds.delete(hold) && holds.size === 0) void audio.suspend();
    },
  };
  holds.add(hold);
  return hold;
}

/** Wakes a context that the browser held back; call it inside a click. */
export async function unlockContext(): Promise<void> {
  if (holds.size > 0) await context?.resume();
}
