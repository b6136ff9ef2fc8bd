// Takes the picture of the two pages that the README shows: `make picture`.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { cache, root } from "../harness/paths.mjs";
import { World } from "../harness/world.mjs";

const world = await World.start({ settings: { "web.site": path.join(root, "demo-site/dist") } });
const size = { width: 1_080, height: 860 };

async function open(name) {
  const page = await world.browser.page(`${world.relay.http}/${name}`);
  await page.raw.setViewportSize(size);
  return page;
}

/** A screenshot as a data URL. */
async function shot(page) {
  return `data:image/png;base64,${(await page.raw.screenshot()).toString("base64")}`;
}

try {
  const shop = await open("index.html");
  await shop.raw.getByRole("radio", { name: /^echo/ }).check();
  await shop.raw.getByRole("button", { name: "Call the workshop" }).click();
  await shop.raw.getByText(/^0:0\d$/).first().waitFor();
  const phone = await open("softphone.html");
  await phone.raw.getByRole("button", { name: /^alice/i }).click();
  await phone.raw.getByText("Ready for calls").first().waitFor();
  await phone.raw.getByRole("button", { name: /^music/ }).click();
  await phone.raw.getByRole("button", { name: "Call", exact: true }).click();
  await phone.raw.getByText(/^0:0\d$/).first().waitFor();
  const pictures = [await shot(shop), await shot(phone)];
  const frame = path.join(cache, "picture.html");
  await mkdir(cache, { recursive: true });
  await writeFile(
    frame,
    `<!doctype html><style>body{margin:0;display:flex;gap:24px;padding:24px;background:#eef1f4}img{flex:1;min-width:0;border-radius:10px;box-shadow:0 4px 20px #0003}</style>
    ${pictures.map((picture) => `<img src="${picture}">`).join("")}`,
  );
  const page = await world.browser.page(`file://${frame}`);
  await page.raw.setViewportSize({ width: 1_600, height: 680 });
  await page.raw.locator("body").screenshot({ path: path.join(root, "docs/pages.png") });
  console.log(`docs/pages.png: ${((await readFile(path.join(root, "docs/pages.png"))).length / 1024).toFixed(0)} kB`);
} finally {
  await world.stop();
}
