// Asterisk as the far side of the cases: a desk with a telephone, played by its dial plan and told by its manager
// interface (etc/extensions.conf).

import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { readWav, strongest } from "../../harness/sound.mjs";
import { until } from "../../harness/process.mjs";
import { TONE } from "../near.mjs";
import { account } from "./asterisk.mjs";

const CAUSES = { 17: 486, 21: 603, 1: 404 };

export class Desk {
  number = "sip:desk@asterisk";
  patient = "sip:patient@asterisk";
  third = "sip:third@asterisk";
  registrar = true;
  #asterisk;
  #endpoint;
  #channel;
  #recording;
  #calling = false;

  /** `endpoint` is the name of the browser's account here. */
  constructor(asterisk, endpoint) {
    this.#asterisk = asterisk;
    this.#endpoint = endpoint;
  }

  get #ami() {
    return this.#asterisk.manager;
  }

  reset() {
    this.#ami.forget();
    this.#channel = undefined;
    this.#recording = undefined;
    this.#calling = false;
  }

  /** Hangs up whatever is left, but for the long call. */
  async clear() {
    await this.#ami.action({ Action: "Hangup", Channel: `/^(PJSIP\\/${this.#endpoint}-|Local\\/).*/` }).catch(() => {});
    await until(async () => (await this.#asterisk.channels()).every(({ Channel }) => this.#long.test(Channel) || !/^(PJSIP|Local)\//.test(Channel)), {
      ms: 5_000,
      what: "Asterisk has no channel left",
    });
  }

  /** Begins a call of an account whose session Asterisk wants refreshed every 90 s; it lasts until refreshed() asks. */
  async begin(open) {
    await this.#ami.action({ Action: "Command", Command: "pjsip set logger on" });
    const user = this.#endpoint.replace("alice", "tim");
    this.#longCall = { page: await open({ account: account(user) }) };
    await this.#longCall.page.saw("registered");
    // Asterisk calls, because only what it asks for itself is as short as 90 s.
    await this.#ami.action({ Action: "Originate", Channel: `PJSIP/${user}`, Context: "phones", Exten: "echo", Priority: 1, Async: "true" });
    this.#longCall.id = await this.#longCall.page.incoming();
    await this.#longCall.page.t("answer", this.#longCall.id);
    await this.#longCall.page.answered(this.#longCall.id);
    this.#longCall.callId = [...(await readFile(this.#asterisk.log, "utf8")).matchAll(/\nINVITE sip:.*?\nCall-ID: ([^\r\n]+)/gs)].at(-1)[1];
    this.background = 1;
  }
  #longCall;

  /** After half of the 90 s somebody has refreshed the session, and the call goes on. */
  async refreshed() {
    const { page, id } = this.#longCall;
    await until(async () => this.#refresh(await readFile(this.#asterisk.log, "utf8")), {
      ms: 60_000,
      every: 500,
      what: "a re-INVITE or UPDATE with Session-Expires in the long call",
    });
    await page.hears(id, TONE.near);
    await page.t("hangUp", id);
    await page.ended(id);
    this.background = 0;
    await page.close();
  }

  /** A request that refreshes the long call's session. */
  #refresh(log) {
    const requests = log.split(/^\[[^\n]*<--- /m).filter((text) => text.includes(this.#longCall.callId) && /\n(INVITE|UPDATE) /.test(text));
    return requests.find((text) => /\nSession-Expires:/.test(text) && /\nTo:.*;tag=/.test(text));
  }

  /** As alice, but with an account that takes no other ringing: a call each way. */
  async reliably({ open }) {
    const user = this.#endpoint.replace("alice", "prue");
    const page = await open({ account: account(user) });
    await page.saw("registered");
    const from = (await readFile(this.#asterisk.log, "utf8")).length;
    const out = await page.call(this.number);
    await this.rings();
    await page.saw("ringing", out);
    await this.answer();
    await page.answered(out);
    await page.hears(out, TONE.far);
    await page.t("hangUp", out);
    await this.ended();
    await this.call(undefined, user);
    const id = await page.incoming();
    await page.t("answer", id);
    await page.answered(id);
    await page.hears(id, TONE.far);
    await page.t("hangUp", id);
    await this.ended();
    const log = (await readFile(this.#asterisk.log, "utf8")).slice(from);
    assert.match(log, /<--- Received SIP request [^\n]*\nPRACK sip:/, "a PRACK of the phone");
    assert.match(log, /<--- Transmitting SIP request [^\n]*\nPRACK sip:/, "a PRACK for the phone");
  }

  /** What the lamp and the presence of the desk's telephone are made of. */
  #is(state) {
    return this.#ami.action({ Action: "Setvar", Variable: "DEVICE_STATE(Custom:desk)", Value: state });
  }

  async appears(basic) {
    await this.#is(basic === "open" ? "NOT_INUSE" : "UNAVAILABLE");
  }

  async shows(lamp) {
    await this.#is({ ringing: "RINGING", busy: "INUSE", idle: "NOT_INUSE" }[lamp]);
  }

  get #long() {
    return new RegExp(`^PJSIP/${this.#endpoint.replace("alice", "tim")}-`);
  }

  async rings() {
    const event = await this.#ami.event({ UserEvent: "Far", What: "incoming" });
    this.#channel = event.Channel;
    return event.From;
  }

  async answer() {
    await this.#redirect(this.#channel, "talk");
    this.#recording = (await this.#ami.event({ UserEvent: "Far", What: "answered" })).Heard;
  }

  async refuse() {
    await this.#redirect(this.#channel, "busy");
  }

  /** Calls the browser from the desk; `endpoint` is another account of its. */
  async call(_near, endpoint = this.#endpoint) {
    this.#calling = true;
    await this.#ami.action({
      Action: "Originate",
      Channel: `Local/${endpoint}@phones/n`,
      Context: "far",
      Exten: "talk",
      Priority: 1,
      CallerID: '"The desk" <desk>',
      Async: "true",
    });
    this.#channel = (await this.#ami.event({ Event: "Newchannel", Channel: /^Local\/.*;1$/ })).Channel;
  }

  async answered() {
    const event = await this.#ami.event({ UserEvent: "Far", What: "answered" });
    this.#recording = event.Heard;
    this.#channel = event.Channel;
  }

  async refused() {
    const { Cause } = await this.#ami.event({ Event: "Hangup", Channel: new RegExp(`^PJSIP/${this.#endpoint}-`) });
    return CAUSES[Cause] ?? Number(Cause);
  }

  /** Its call is over. */
  async ended() {
    await this.#ami.event({ Event: "Hangup", Channel: this.#channel });
  }

  async hangUp() {
    await this.#ami.action({ Action: "Hangup", Channel: this.#channel, Cause: 16 });
  }

  async held() {
    await this.#ami.event({ Event: "Hold", Channel: this.#phone });
  }

  async resumed() {
    await this.#ami.event({ Event: "Unhold", Channel: this.#phone });
  }

  /** Asterisk itself holds the phone's channel, once that stands outside of a bridge. */
  async hold() {
    await this.#asterisk.listen();
    const channel = await this.#alone("stasis");
    await until(() => this.#asterisk.hasTaken(channel.Uniqueid), { what: "Stasis has the browser's channel" });
    this.#held = channel;
    await this.#asterisk.ari("POST", `channels/${channel.Uniqueid}/hold`);
  }
  #held;

  async resume() {
    await this.#asterisk.ari("DELETE", `channels/${this.#held.Uniqueid}/hold`);
    await this.#redirect(this.#held.Channel, "talk");
    this.#channel = this.#held.Channel;
  }

  /** Sends the phone a REFER to the third. */
  async blind() {
    await this.#alone("refer");
    const { Status } = await this.#ami.event({ UserEvent: "Far", What: "referred" }, 15_000);
    assert.equal(Status, "SUCCESS");
  }

  /** Calls the third from the desk and joins the two: within Asterisk, so that the browser's call just goes on. */
  async attended() {
    await this.#ami.action({ Action: "Originate", Channel: "Local/third@far/n", Context: "far", Exten: "wait", Priority: 1, Async: "true" });
    const { Channel } = await this.#ami.event({ Event: "OriginateResponse", Response: "Success" });
    const phone = await this.#current();
    await this.#ami.action({ Action: "Bridge", Channel1: phone.Channel, Channel2: Channel });
    return { refers: false };
  }

  /** The desk and the third talk, without the browser. */
  async joined() {
    const transfer = await this.#ami.event({ Event: /^(Blind|Attended)Transfer$/ });
    assert.equal(transfer.Result, "Success", JSON.stringify(transfer));
    const third = await this.#ami.event({ UserEvent: "Far", What: "third" });
    await until(async () => (await this.#asterisk.channels()).every(({ Channel }) => !this.#phone.test(Channel)), { what: "the browser's channel is gone" });
    const left = (await this.#asterisk.channels()).map(({ Channel }) => Channel);
    assert.ok(left.includes(this.#channel) && left.includes(third.Channel), `the desk and the third are still there: ${left}`);
  }

  async heardDigits(count) {
    let digits = "";
    while (digits.length < count) {
      const { Digit } = await this.#ami.event({ Event: "DTMFEnd", Channel: this.#phone, Direction: "Received" }, 5_000);
      digits += Digit;
    }
    return digits;
  }

  async digits(digits, method) {
    const { Channel } = await this.#current();
    // Changes how this call's digits go, by a re-INVITE of its own.
    if (method === "info-relay") await this.#ami.action({ Action: "Setvar", Channel, Variable: "PJSIP_DTMF_MODE()", Value: "info" });
    for (const digit of digits) {
      await this.#ami.action({ Action: "PlayDTMF", Channel, Digit: digit, Duration: 120 });
    }
  }

  async heardMessage() {
    return (await this.#ami.event({ UserEvent: "Far", What: "message" })).Body;
  }

  async message(_near, text) {
    await this.#ami.action({ Action: "MessageSend", To: `pjsip:${this.#endpoint}`, From: "sip:desk@asterisk", Body: text });
  }

  /** Somebody leaves word for the browser. */
  async voicemail() {
    const box = this.#asterisk.spool("voicemail/default/alice/INBOX");
    await mkdir(box, { recursive: true });
    await writeFile(`${box}/msg0000.txt`, "[message]\norigmailbox=alice\ncontext=phones\nexten=desk\npriority=1\ncallerchan=x\ncallerid=desk\norigdate=now\norigtime=1\nduration=1\n");
    await writeFile(`${box}/msg0000.gsm`, "");
    await this.#ami.action({ Action: "VoicemailRefresh" });
    this.voicemails = box;
  }

  /** What it heard, once the call is over. */
  async heard(frequency) {
    const { samples, rate } = await readWav(this.#recording);
    const found = strongest(samples.subarray(Math.floor(samples.length / 2)), rate);
    assert.ok(Math.abs(found.frequency - frequency) <= 4, `the desk heard ${found.frequency} Hz at ${found.level.toFixed(0)} dB`);
  }

  get #phone() {
    return new RegExp(`^PJSIP/${this.#endpoint}-`);
  }

  /** The browser's channel. */
  async #current() {
    const found = (await this.#asterisk.channels()).find(({ Channel }) => this.#phone.test(Channel));
    assert.ok(found, "the browser has a channel");
    return found;
  }

  /** Takes the browser's channel out of its bridge and sends it elsewhere. */
  async #alone(extension) {
    const channel = await this.#current();
    await this.#redirect(channel.Channel, extension);
    await until(async () => (await this.#asterisk.channels()).find(({ Channel, Exten }) => Channel === channel.Channel && Exten === extension), {
      what: `the browser's channel is at ${extension}`,
    });
    return channel;
  }

  #redirect(Channel, Exten) {
    return this.#ami.action({ Action: "Redirect", Channel, Context: "far", Exten, Priority: 1 });
  }
}

