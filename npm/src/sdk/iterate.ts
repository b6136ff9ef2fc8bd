/** The events of a target as an async iterator: the same stream that listeners see, for `for await`. */

/** Events that wait for a slow reader; beyond this the oldest are dropped. */
const MAX_WAITING = 256;

/** Iterates over `types` until `last` was delivered or `signal` aborts. Listening begins at once. */
export function iterate<E extends Event>(
  target: EventTarget,
  types: readonly string[],
  last: string,
  signal?: AbortSignal,
): AsyncIterableIterator<E> {
  const stop = new AbortController();
  const waiting: E[] = [];
  let wake: (() => void) | undefined;
  let over = signal?.aborted ?? false;
  const push = (event: Event): void => {
    if (waiting.length === MAX_WAITING) waiting.shift();
    waiting.push(event as E);
    over ||= event.type === last;
    wake?.();
  };
  const finish = (): void => {
    over = true;
    stop.abort();
    wake?.();
  };
  types.forEach((type) => { target.addEventListener(type, push, { signal: stop.signal }); });
  signal?.addEventListener("abort", finish, { signal: stop.signal });
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      while (waiting.length === 0 && !over) await new Promise<void>((resolve) => { wake = resolve; });
      const value = waiting.shift();
      if (value === undefined) finish();
      return value === undefined ? { done: true, value } : { done: false, value };
    },
    return() {
      finish();
      waiting.length = 0;
      return Promise.resolve({ done: true as const, value: undefined });
    },
  };
}
