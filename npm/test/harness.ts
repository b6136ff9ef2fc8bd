/** A test runner of one page: tests register themselves, `run` executes them in order and says what failed. */

/** The outcome of one test. */
export interface Outcome {
  readonly name: string;
  readonly error?: string;
}

interface Test {
  readonly name: string;
  readonly body: () => Promise<void> | void;
}

/** A test that takes longer has lost its way. */
const LIMIT = 30_000;

const tests: Test[] = [];
const cleanups: (() => void)[] = [];

/** Registers a test; its name states a fact. */
export function test(name: string, body: () => Promise<void> | void): void {
  tests.push({ name, body });
}

/** Undoes something when the running test is over. */
export function cleanup(undo: () => void): void {
  cleanups.push(undo);
}

/** Fails unless `condition`. */
export function ok(condition: unknown, message = "expected to be true"): asserts condition {
  if (!condition) throw new Error(message);
}

/** Fails unless both are the same data. */
export function same(actual: unknown, expected: unknown, message = ""): void {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${message} expected ${right}, got ${left}`.trim());
}

/** The error that `promise` is rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => { throw new Error("expected a rejection"); },
    (error: unknown) => error,
  );
}

/** The next event of this type. */
export function next<E extends Event>(target: EventTarget, type: string): Promise<E> {
  return new Promise((resolve) => {
    target.addEventListener(type, (event) => { resolve(event as E); }, { once: true });
  });
}

/** Waits until `fact` is true: looked at after each task, never after a guessed time. */
export async function until(fact: () => unknown, what = fact.toString()): Promise<void> {
  const end = performance.now() + LIMIT / 2;
  while (!fact()) {
    if (performance.now() > end) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve); });
  }
}

async function outcome({ name, body }: Test): Promise<Outcome> {
  try {
    await Promise.race([body(), tooLong()]);
    return { name };
  } catch (error) {
    return { name, error: error instanceof Error ? `${error.message}\n${error.stack ?? ""}` : String(error) };
  } finally {
    cleanups.splice(0).forEach((undo) => { undo(); });
  }
}

function tooLong(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => { reject(new Error(`took longer than ${String(LIMIT)} ms`)); }, LIMIT);
  });
}

declare global {
  /** Called by run.mjs. */
  var runTests: () => Promise<Outcome[]>;
}

globalThis.runTests = async () => {
  const unhandled: Outcome[] = [];
  addEventListener("unhandledrejection", (event) => {
    unhandled.push({ name: "no rejection is left unhandled", error: String(event.reason) });
  });
  const outcomes: Outcome[] = [];
  for (const each of tests) outcomes.push(await outcome(each));
  return [...outcomes, ...unhandled];
};
