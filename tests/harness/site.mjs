// A little web server for the bare test page: the page itself, the built package as npm packs it, and bundled JsSIP.

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

/** Where each prefix is served from. */
const FOLDERS = {
  "/package/": path.join(root, "npm"),
  "/bundle/": path.join(cache, "bundle"),
  "/interop/": path.join(tests, "interop/page"),
  "/": path.join(tests, "e2e/page"),
};

export async function startSite() {
  const server = createServer((request, response) => {
    serve(request, response).catch((error) => {
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

async function serve(request, response) {
  const { pathname } = new URL(request.url, "http://localhost");
  const prefix = Object.keys(FOLDERS).find((start) => pathname.startsWith(start));
  const file = path.normalize(path.join(FOLDERS[prefix], decodeURIComponent(pathname.slice(prefix.length)) || "index.html"));
  const found = file.startsWith(FOLDERS[prefix]) && (await stat(file).catch(() => null))?.isFile();
  if (!found) {
    response.writeHead(404).end("not found");
    return;
  }
  response.writeHead(200, { "content-type": TYPES[path.extname(file)] ?? "application/octet-stream", "cache-control": "no-store" });
  response.end(await readFile(file));
}
