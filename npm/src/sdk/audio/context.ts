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
/** A resume() before this is over is lost: Chromium's context then says that it is running, and stands still. */
let suspending: Promise<void> | undefined;

/** Makes or wakes the context for as long as the hold is not released. */
export function holdContext(): ContextHold {
  const audio = (context ??= new AudioContext());
  const hold: ContextHold = {
    context: audio,
    release() {
      if (holds.delete(hold) && holds.size === 0) rest(audio);
    },
  };
  holds.add(hold);
  void wake(audio);
  return hold;
}

/** Wakes a context that the browser held back; call it inside a click. */
export async function unlockContext(): Promise<void> {
  if (context) await wake(context);
}

async function wake(audio: AudioContext): Promise<void> {
  await suspending;
  if (holds.size === 0) return;
  await audio.resume();
  if (holds.size === 0) rest(audio);
}

function rest(audio: AudioContext): void {
  suspending ??= audio.suspend().finally(() => { suspending = undefined; });
}
