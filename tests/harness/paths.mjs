// Where things are.

import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
export const tests = path.join(root, "tests");
/** Made once and kept: sounds, bundles, the PESQ environment. */
export const cache = path.join(tests, ".cache");
/** What servers and peers wrote during a run. */
export const logs = path.join(process.env.CARGO_TARGET_DIR ?? path.join(root, "target"), "test-logs");
export const relayBinary = process.env.SWITCHHOOK_RELAY ?? path.join(process.env.CARGO_TARGET_DIR ?? path.join(root, "target"), "release/switchhook-relay");
/** What the interop cases came to, for the matrix. */
export const results = path.join(process.env.CARGO_TARGET_DIR ?? path.join(root, "target"), "interop");
