// The package as a customer gets it, and the projects that customers have.

import { execFile } from "node:child_process";
import { cp, mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { cache, root, tests } from "../harness/paths.mjs";
import { startSite } from "../harness/site.mjs";

const run = promisify(execFile);

/** Each folder is a project, with the tools of all of them in one `node_modules` beside it. */
export const projects = path.join(tests, "projects");
/** A program of these tools. */
export const tool = (name) => path.join(projects, "node_modules", name);
/** Tools that would count their users are told not to. */
export const quiet = { ...process.env, NEXT_TELEMETRY_DISABLED: "1" };
/** What the projects' builds write. */
const built = path.join(cache, "projects");

/** Packs the package into `folder`; resolves to what npm says about it. */
export async function pack(folder) {
  const { stdout } = await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], { cwd: path.join(root, "npm") });
  return JSON.parse(stdout)[0];
}

/** Puts a tarball's package at `place`, as `npm install` would: it has no dependencies and no scripts. */
export async function unpack(tarball, place) {
  await rm(place, { recursive: true, force: true });
  await mkdir(place, { recursive: true });
  await run("tar", ["-xzf", tarball, "-C", place, "--strip-components=1"]);
}

/** Gives the projects the package. */
export async function installInProjects() {
  const place = path.join(projects, "node_modules/switchhook");
  const folder = await emptied("packed");
  const { filename } = await pack(folder);
  await unpack(path.join(folder, filename), place);
  return place;
}

/** An empty folder for what a project's build writes. */
export async function emptied(project) {
  const out = path.join(built, project);
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  return out;
}

/** Runs a program of Node in a project, and tells what it wrote where it fails. */
export async function build(project, ...args) {
  const options = { cwd: path.join(projects, project), env: quiet };
  await run(process.execPath, args, options).catch((error) => {
    throw new Error(`${project} does not build:\n${error.stdout}\n${error.stderr}`, { cause: error });
  });
}

/** A folder without any tools: the package beside the page, copied by hand. */
export async function copyPlain(installed) {
  const out = await emptied("plain");
  await cp(path.join(projects, "plain"), out, { recursive: true });
  await cp(path.join(projects, "demo-account.js"), path.join(out, "demo-account.js"));
  for (const folder of ["dist", "wasm"]) await cp(path.join(installed, folder), path.join(out, "switchhook", folder), { recursive: true });
  return out;
}

/** Serves `folder` for as long as `use` takes. */
export async function served(folder, use) {
  const site = await startSite({ "/": folder });
  try {
    return await use(site.url);
  } finally {
    await site.stop();
  }
}
