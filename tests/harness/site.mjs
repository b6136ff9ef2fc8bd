// A little web server: for the bare test page (the page itself, the built package as npm packs it, bundled JsSIP), or for
// any folder.

import { createServer } from "node:http";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { cache, root, tests } from "./paths.mjs";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
  ".css": "text/css",
  ".map": "application/json",
};

/** Where each prefix of the test pages is served from. */
const TEST_PAGES = {
  "/package/": path.join(root, "npm"),
  "/bundle/": path.join(cache, "bundle"),
  "/interop/": path.join(tests, "interop/page"),
  "/": path.join(tests, "e2e/page"),
};

/** Serves `folders`, longest prefix first, with `headers` on every answer. */
export async function startSite(folders = TEST_PAGES, headers = {}) {
  const server = createServer((request, response) => {
    serve(request, response, folders, headers).catch((error) => {
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}

async function serve(request, response, folders, headers) {
  const { pathname } = new URL(request.url, "http://localhost");
  const prefix = Object.keys(folders).find((start) => pathname.startsWith(start));
  const file = path.normalize(path.join(folders[prefix], decodeURIComponent(pathname.slice(prefix.length)) || "index.html"));
  const found = file.startsWith(folders[prefix]) && (await stat(file).catch(() => null))?.isFile();
  if (!found) {
    response.writeHead(404).end("not found");
    return;
  }
  response.writeHead(200, { "content-type": TYPES[path.extname(file)] ?? "application/octet-stream", "cache-control": "no-store", ...headers });
  response.end(await readFile(file));
}
