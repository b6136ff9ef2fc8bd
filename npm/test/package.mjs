// Tests of the built package from Node: what a bundler or a server sees.
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { apiFiles } from "../scripts/api.mjs";
import { integrity } from "../scripts/manifest.mjs";

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
  yield ["the manifest names every attribute that the elements read", () => {
    for (const { declarations: [{ name, tagName, attributes }] } of read("dist/custom-elements.json").modules) {
      const source = readFileSync(join(root, "src/element", `${tagName}.ts`), "utf8");
      const wanted = [...source.matchAll(/getAttribute\("([\w-]+)"\)/g)].map(([, attribute]) => attribute);
      const missing = wanted.filter((attribute) => !attributes.some((each) => each.name === attribute));
      if (name === "CallButton" && wanted.length < 5) throw new Error("this test reads the wrong source");
      if (missing.length > 0) throw new Error(`${tagName} reads ${missing.join(", ")}, which its manifest does not name`);
    }
  }];
  yield ["the hashes for script tags are those of the files", () => {
    for (const [file, hash] of Object.entries(read("dist/sri.json"))) {
      if (hash !== integrity(join(root, "dist", file))) throw new Error(`${file} has another hash`);
    }
  }];
  for (const [file, text] of Object.entries(apiFiles())) {
    yield [`${basename(file)} is what the types and sources say`, () => {
      if (readFileSync(join(root, file), "utf8") !== text) throw new Error(`look at what \`npm run --prefix npm api\` changes in ${file}, and commit it`);
    }];
  }
  yield ["there is nothing to install at run time", () => {
    if (manifest.dependencies) throw new Error("package.json has dependencies");
  }];
}

function read(file) {
  return JSON.parse(readFileSync(join(root, file), "utf8"));
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
