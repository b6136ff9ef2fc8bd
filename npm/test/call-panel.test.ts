/** What stands before and beside a call of `<call-button>`: a question, office hours, a site's key, devices, the quality. */
import axe from "axe-core";
import type { CallButton } from "../src/element/index.js";
import type { SipErrorCode } from "../src/index.js";
import { errorText, loadMessages } from "../src/element/messages.js";
import { ENGLISH } from "../src/element/phone/english.js";
import { isWithin } from "../src/element/hours.js";
import { button, PAGE, part } from "./button-page.js";
import { core, fake } from "./fake-core.js";
import { cleanup, ok, same, test, until } from "./harness.js";

const MONDAY = new Date("2026-11-23T12:00:00Z");

function slotted(slot: string, text: string): HTMLElement {
  return Object.assign(document.createElement("p"), { slot, textContent: text });
}

/** The button was clicked, and its panel is there. */
async function clicked(element: CallButton): Promise<void> {
  part(element, "button").click();
  await until(() => element.shadowRoot?.querySelector('[part~="panel"]')?.checkVisibility());
}

async function axeIsContent(): Promise<void> {
  const { violations } = await axe.run(PAGE, { rules: { region: { enabled: false } } });
  same(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`), []);
}

test("nothing of the panel is there before somebody means to call", () => {
  ok(!button().shadowRoot?.querySelector('[part~="panel"]'));
});

test("what the page asks comes before the first call, and only then", async () => {
  const element = button({}, slotted("consent", "Calls are recorded."));
  await clicked(element);
  same([element.phase, part(element, "agree").textContent, part(element, "consent").checkVisibility()], ["idle", "Agree and call", true]);
  await axeIsContent();
  part(element, "agree").click();
  await until(() => fake.core?.commands.includes("call echo"));
  ok(!part(element, "consent").checkVisibility());
  core().end(1);
  part(element, "again").click();
  await until(() => core().commands.filter((each) => each === "call echo").length === 2);
});

test("who does not agree calls nobody", async () => {
  const element = button({}, slotted("consent", "Calls are recorded."));
  await clicked(element);
  part(element, "close").click();
  same([element.phase, part(element, "panel").checkVisibility()], ["idle", false]);
});

test("out of hours the panel says so, in the page's words where it has some", async () => {
  const day = ["Su", "Mo", "Tu", "We", "Th", "Fr", "Sa"][new Date().getUTCDay()] ?? "";
  const hours = `${day} 0:00-0:00`;
  const element = button({ hours, "time-zone": "UTC" });
  await clicked(element);
  ok(part(element, "closed").innerText.includes("office hours"));
  same(element.phase, "idle");
  await axeIsContent();
  const own = button({ hours, "time-zone": "UTC" }, slotted("closed", "Back on Monday."));
  await clicked(own);
  ok(part(own, "closed").checkVisibility());
});

test("office hours may have a break and go on after midnight", () => {
  const at = (hours: string, time: string, zone = "UTC"): boolean => isWithin(hours, zone, new Date(`2026-03-${time}:00Z`));
  const weekdays = "Mo-Fr 9-12:00,13:00-17:00; Sa 10:00-14:00";
  // 2026-03-02 is a Monday.
  same(["02T08:59", "02T11:59", "02T12:30", "02T13:00", "07T09:59", "07T13:59", "08T13:00"].map((time) => at(weekdays, time)),
    [false, true, false, true, false, true, false]);
  same(["02T17:59", "02T18:00", "03T01:59", "03T02:00"].map((time) => at("Mo 18:00-02:00", time)), [false, true, true, false]);
  same(["02T01:00", "02T03:00"].map((time) => at("Mo-Su 18:00-02:00", time)), [true, false]);
});

test("hours, or a time zone, that cannot be read are no reason to be closed", () => {
  const monday = new Date("2026-03-02T03:00:00Z");
  same(["Mo-Fr 9:00-12:00,later; Sa 10:00-14:00", "Sa 10:00-14:00; PH off", "Sa 10:00-99:00"].map((hours) => isWithin(hours, "UTC", monday)), [true, true, true]);
  same([isWithin("Sa 10:00-14:00", "Mars/Olympus", monday), isWithin("Sa 10:00-14:00;", "UTC", monday)], [true, false]);
});

test("office hours know days, times and zones, and take what they cannot read for open", () => {
  const at = (hours: string | null, zone = "UTC"): boolean => isWithin(hours, zone, MONDAY);
  same([at(null), at("Mo-Fr 9:00-17:30"), at("Sa-Su 0:00-24:00"), at("Mo 12:00-12:01"), at("Mo 11:00-12:00")], [true, true, false, true, false]);
  same([at("Fr-Mo 9:00-13:00"), at("Tu 9:00-13:00; Mo 9:00-13:00"), at("Mo 20:00-22:00", "Asia/Tokyo"), at("whenever we like")], [true, true, true, true]);
});

/** Whatever asks for a token gets one; returns what was asked, once the call shows it. */
async function tokenAsked(attributes: Record<string, string>): Promise<string> {
  const real = globalThis.fetch;
  cleanup(() => { globalThis.fetch = real; });
  let asked = "";
  globalThis.fetch = (url, init) => {
    if (init?.method !== "POST") return real(url, init);
    asked = `${new URL(url instanceof Request ? url.url : url, document.baseURI).pathname} ${init.body as string}`;
    return Promise.resolve(Response.json({ token: "one-call" }));
  };
  const element = button(attributes);
  await clicked(element);
  await until(() => fake.core?.commands.includes("call echo"));
  same(core().lastOptions.headers, [["Authorization", "Bearer one-call"]]);
  return asked;
}

test("a site's key asks the relay for a token, and the call shows it", async () => {
  same(await tokenAsked({ "site-key": "pk_shop_2026" }), '/api/tokens {"siteKey":"pk_shop_2026","callee":"echo"}');
});

test("a token's address asks the site's own back end, and the call shows what it gave", async () => {
  same(await tokenAsked({ "token-url": "/call-token" }), '/call-token {"callee":"echo"}');
});

test("in a call the microphone can be seen and changed, and the quality is told", async () => {
  const local = (fake.local = await navigator.mediaDevices.getUserMedia({ audio: true }));
  let packets = 0;
  const stats = (): Map<string, unknown> => new Map([["i", { type: "inbound-rtp", kind: "audio", packetsReceived: (packets += 50), packetsLost: 0, audioLevel: 0.1 }]]);
  fake.peer = { getStats: () => Promise.resolve(stats()), getSenders: () => [] } as unknown as RTCPeerConnection;
  cleanup(() => { local.getTracks().forEach((track) => { track.stop(); }); fake.local = fake.peer = undefined; });
  const element = button();
  await clicked(element);
  await until(() => fake.core?.commands.includes("call echo"));
  core().change(1, "active", 200);
  const level = part(element, "level") as HTMLMeterElement;
  await until(() => level.checkVisibility() && level.value > 0);
  const input = part(element, "input") as HTMLSelectElement;
  await until(() => input.options.length > 2);
  await until(() => part(element, "quality").checkVisibility());
  ok(part(element, "quality").textContent.includes("Sound: good"));
  (part(element, "devices") as HTMLDetailsElement).open = true;
  await axeIsContent();
});

test("every code has its sentence in every language", async () => {
  const codes = ["MIC_DENIED", "MIC_NOT_FOUND", "MIC_IN_USE", "INSECURE_PAGE", "CONNECTION_LOST", "CONNECTION_REFUSED", "WRONG_CREDENTIALS", "BUSY", "NOT_FOUND", "NO_ANSWER", "REJECTED", "CANCELLED", "FORBIDDEN", "SERVER_ERROR", "UNREACHABLE", "TIMEOUT", "MEDIA_FAILED", "INCOMPATIBLE_MEDIA", "TRANSFER_UNSUPPORTED", "TRANSFER_UNCONFIRMED", "INVALID_TARGET", "INVALID_CONFIG", "INVALID_ARGUMENT", "WRONG_STATE", "PROTOCOL_ERROR", "MESSAGE_TOO_LARGE", "NOT_SUPPORTED", "DISPOSED", "WASM_BLOCKED", "WASM_UNAVAILABLE", "INTERNAL"] satisfies SipErrorCode[];
  const all: Exclude<SipErrorCode, (typeof codes)[number]>[] = [];
  same(all, []);
  for (const language of ["ar", "de", "el", "es", "fr", "ja", "ru", "zh"]) {
    const { call, phone } = (await loadMessages(language)) ?? ENGLISH;
    const texts = codes.map((code) => errorText(call, code, phone.errors));
    same(texts.filter((text) => text === call.errors.other), [], language);
    same(codes.filter((code) => errorText(call, code, phone.errors) === errorText(ENGLISH.call, code, ENGLISH.phone.errors)), [], language);
  }
});
