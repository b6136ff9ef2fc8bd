// Tests of the built package from Node: what a bundler or a server sees.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const root = join(import.meta.dirname, "..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** Runs them all; the package must have been built. */
export async function packageTests() {
  if (!existsSync(join(root, "dist/index.js"))) return [{ name: "the package is built", error: "run npm run build first" }];
  const outcomes = [];
  for (const [name, body] of tests()) outcomes.push(await outcome(name, body));
  return outcomes;
}

function* tests() {
  for (const [subpath, target] of Object.entries(manifest.exports)) {
    yield [`export ${subpath} names files that exist`, () => files(target).forEach(mustExist)];
  }
  for (const subpath of [".", "./element", "./element/define", "./compat/jssip"]) {
    yield [`${subpath} can be imported on a server`, () => import(pathToFileURL(join(root, manifest.exports[subpath].default)))];
  }
  yield ["there is nothing to install at run time", () => {
    if (manifest.dependencies) throw new Error("package.json has dependencies");
  }];
}

function files(target) {
  return typeof target === "string" ? [target] : Object.values(target);
}

function mustExist(file) {
  if (!existsSync(join(root, file))) throw new Error(`${file} is missing`);
}

async function outcome(name, body) {
  try {
    await body();
    return { name };
  } catch (error) {
    return { name, error: error.stack };
  }
}
