// Another browser with our SDK as the far side, behind the same server: what is tried then is the server between them.

import assert from "node:assert/strict";
import { until } from "../harness/process.mjs";
import { TONE } from "./near.mjs";

export class OtherBrowser {
  registrar = true;
  #open;
  #accounts;
  #page;
  #thirdPage;
  #id;

  /** `open({ account, tone })` gives a registered page; `accounts` are those of the far side and of the third. */
  constructor(open, accounts, { patient } = {}) {
    this.#open = open;
    this.#accounts = accounts;
    this.number = accounts.far.uri;
    this.third = accounts.third.uri;
    this.patient = patient;
  }

  async reset() {
    this.#page ??= await this.#registered(this.#accounts.far, TONE.far);
    await this.#page.reset();
    await this.#thirdPage?.reset();
    this.#id = undefined;
  }

  async clear() {
    await this.#page?.t("hangUpAll");
    await this.#thirdPage?.t("hangUpAll");
  }

  async close() {
    await this.#page?.close();
    await this.#thirdPage?.close();
  }

  async rings() {
    this.#id = await this.#page.incoming();
  }

  async answer() {
    await this.#page.t("answer", this.#id);
    await this.#page.answered(this.#id);
  }

  async refuse() {
    await this.#page.t("reject", this.#id, 486);
  }

  async call(near, options) {
    this.#id = await this.#page.call(near.uri, options);
  }

  async callWithoutOffer(near) {
    await this.call(near, { offer: "delayed" });
    assert.ok(!this.#page.lastSent("INVITE").includes("v=0"), "the INVITE has no offer");
  }

  async answered() {
    await this.#page.answered(this.#id);
  }

  async refused() {
    return (await this.#page.ended(this.#id)).status;
  }

  async ended() {
    await this.#page.ended(this.#id);
  }

  async hangUp() {
    await this.#page.t("hangUp", this.#id);
  }

  async held() {
    assert.equal((await this.#page.saw("hold", this.#id)).held.remote, true);
  }

  async resumed() {
    assert.equal((await this.#page.saw("hold", this.#id)).held.remote, false);
  }

  async hold() {
    await this.#page.t("hold", this.#id);
  }

  async resume() {
    await this.#page.t("resume", this.#id);
  }

  async blind() {
    const transferred = this.#page.t("transfer", this.#id, this.third);
    await Promise.all([this.#thirdAnswers(), transferred]);
  }

  async attended() {
    const answers = this.#thirdAnswers();
    // The browser has to agree before this comes to its end.
    const transferred = this.#page.t("attended", this.#id, "second", this.third);
    transferred.catch(() => {});
    await answers;
    return { refers: true, transferred };
  }

  /** Agrees to be transferred, and talks to the third. */
  async joined() {
    const answers = this.#thirdAnswers();
    answers.catch(() => {});
    await this.#page.saw("transferrequest", this.#id);
    await this.#page.t("acceptTransfer", this.#id, "joined");
    await answers;
    await this.#page.answered("joined");
    await this.#page.hears("joined", TONE.third);
  }

  async heardDigits(count) {
    let digits = "";
    while (digits.length < count) digits += (await this.#page.saw("digit", this.#id, 5_000)).digit;
    return digits;
  }

  async digits(digits, method) {
    await this.#page.t("digits", this.#id, digits, method);
  }

  async heardMessage() {
    return (await this.#page.saw("message")).body;
  }

  async message(near, text) {
    await this.#page.t("message", near.uri, text);
  }

  async appears(basic) {
    await this.#page.t("publish", "presence", { basic });
  }

  async shows(lamp) {
    const state = { ringing: "early", busy: "confirmed", idle: "terminated" }[lamp];
    const entity = this.#accounts.far.uri;
    await this.#page.t(
      "publish",
      "dialog",
      `<?xml version="1.0"?><dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="${(this.#version += 1)}" state="full" entity="${entity}"><dialog id="1"><state>${state}</state></dialog></dialog-info>`,
    );
  }
  #version = 0;

  /** Called by a browser that takes no other ringing. */
  async reliably({ open }) {
    const near = await open({ options: { reliableProvisional: "required" } });
    await near.saw("registered");
    const id = await near.call(this.number);
    await this.rings();
    await near.saw("ringing", id);
    await this.answer();
    await near.answered(id);
    await near.hears(id, TONE.far);
    await near.t("hangUp", id);
    await this.ended();
    assert.match(near.lastSent("PRACK"), /^RAck: \d+ \d+ INVITE/m);
  }

  /** A call of two others whose session one of them refreshes after half of 90 s. */
  async begin(open) {
    const [dave, erin] = ["dave", "erin"].map((user) => open({ account: this.#accounts.account(user), options: { sessionTimers: { expires: 90 } } }));
    this.#longCall = { from: await dave, to: await erin };
    const { from, to } = this.#longCall;
    await Promise.all([from.saw("registered"), to.saw("registered")]);
    const out = await from.call(to.uri);
    const id = await to.incoming();
    await to.t("answer", id);
    await from.answered(out);
    this.#longCall = { from, to, out, id, sent: from.frames.length, got: to.frames.length };
    // Through a relay it is one call out and one in.
    this.background = 2;
  }
  #longCall;

  async refreshed() {
    const { from, to, out, id } = this.#longCall;
    const isRefresh = ({ text }) => /^(UPDATE|INVITE) /.test(text) && /^Session-Expires: *90/im.test(text) && /^To:.*;tag=/im.test(text);
    await until(() => from.frames.slice(this.#longCall.sent).some(isRefresh) || to.frames.slice(this.#longCall.got).some(isRefresh), {
      ms: 60_000,
      every: 500,
      what: "a re-INVITE or UPDATE with Session-Expires in the long call",
    });
    await from.hears(out, TONE.near);
    await from.t("hangUp", out);
    await to.ended(id);
    this.background = 0;
    await from.close();
    await to.close();
  }

  async hears(frequency) {
    await this.#page.hears(this.#id, frequency);
  }

  /** The third is there, and has seen nothing yet. */
  async prepare() {
    this.#thirdPage ??= await this.#registered(this.#accounts.third, TONE.third);
    await this.#thirdPage.reset();
  }

  async #thirdAnswers() {
    const id = await this.#thirdPage.incoming();
    await this.#thirdPage.t("answer", id);
    await this.#thirdPage.answered(id);
  }

  async #registered(account, tone) {
    const page = await this.#open({ account, tone });
    await page.saw("registered");
    return page;
  }
}
