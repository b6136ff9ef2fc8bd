/** The page's one AudioContext. */
import { holdContext } from "../src/sdk/audio/context.js";
import { ok, same, test, until } from "./harness.js";

test("a context that is needed again in the moment it is put to rest goes on", async () => {
  for (let round = 0; round < 20; round += 1) {
    const first = holdContext();
    const { context } = first;
    await until(() => context.currentTime > 0 && context.state === "running", "it runs");
    first.release();
    if (round % 2) await Promise.resolve();
    const second = holdContext();
    same(second.context, context);
    const before = context.currentTime;
    await until(() => context.currentTime > before + 0.05, `its time goes on in round ${String(round)}`);
    second.release();
  }
});

test("a context that nobody needs is put to rest, however short the need was", async () => {
  const hold = holdContext();
  const { context } = hold;
  hold.release();
  await until(() => context.state === "suspended");
  const long = holdContext();
  await until(() => context.state === "running");
  ok(context.currentTime >= 0);
  long.release();
  await until(() => context.state === "suspended");
});
