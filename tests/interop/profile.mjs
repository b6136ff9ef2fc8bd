// Runs the list of cases against one peer, and keeps what came out for the matrix.
//
// A profile says what its peer cannot do (`cannot`: case to reason) and which cases are known to fail (`fails`: case to
// { reason, error }). A known failure must fail, and with that error: when it works the test says so and fails, so the
// matrix can lie in neither direction.

import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { results } from "../harness/paths.mjs";
import { within } from "../harness/process.mjs";
import { cases } from "./cases.mjs";

const LONGEST = 45_000;

/**
 * `start()` gives the scene: { near, far, open, reset, idle, stop, versions }. `file` is the test file, for the links.
 */
export function profile({ id, title, file, about, start, cannot = {}, fails = {} }) {
  const cells = {};
  let scene;
  before(async () => {
    scene = await within(start(), 60_000, () => `${title} is there`);
  });
  for (const each of cases) {
    if (cannot[each.id]) {
      cells[each.id] = { state: "cannot", reason: cannot[each.id] };
      continue;
    }
    test(`${title}: ${each.title}`, async () => {
      const known = fails[each.id];
      cells[each.id] = { state: "fails", reason: known?.reason ?? "unexpected; see the test's output" };
      const error = await attempt(each, scene);
      if (!error) cells[each.id] = { state: "works" };
      if (!known) {
        if (error) throw error;
        return;
      }
      assert.ok(error, `${each.title} works now: take it out of the known failures of ${title}`);
      if (!known.error.test(error.message)) {
        throw new Error(`${each.title} is known to fail with ${known.error}, but: ${error.message}`, { cause: error });
      }
    });
  }
  after(async () => {
    const versions = scene?.versions ?? {};
    await scene?.stop();
    await mkdir(results, { recursive: true });
    const whole = !process.env.ONLY;
    await writeFile(path.join(results, `${id}.json`), JSON.stringify({ id, title, file, about, versions, cells, whole }, null, 2));
  });
}

/** The error of a case, if it has one. What it leaves behind is cleared away. */
async function attempt(each, scene) {
  let error;
  try {
    await scene.reset(each.id);
    const missing = each.needs.find((need) => scene.far[need] === undefined);
    if (missing) throw new Error(`the driver of this peer has no ${missing}`);
    await within(each.run(scene), each.longest ?? LONGEST, () => `${each.title} comes to an end`);
  } catch (caught) {
    error = caught;
  }
  try {
    await scene.clear(error);
  } catch (caught) {
    error ??= caught;
  }
  return error;
}
