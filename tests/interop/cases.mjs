// The one list of cases that every peer is tried with.
//
// `near` is a browser (near.mjs). `far` is the peer: it rings(), answer()s, refuse()s, call()s, hangUp()s, hold()s … as
// each profile's driver knows how, and tells what it saw. A driver without a method cannot do that case; the profile
// says why. prepare() brings the third before a transfer. heard() is asked after a call, hears() during one. `scene` opens further browsers: open(options) gives one that is not yet registered.

import assert from "node:assert/strict";
import { TONE } from "./near.mjs";

/** What the far side hums. */
const hum = (far) => far.tone ?? TONE.far;

const DIGITS = "147*0#";

/** The browser calls and the peer answers. */
async function talking({ near, far }, options) {
  const id = await near.call(far.number, options);
  await far.rings();
  await far.answer();
  await near.answered(id);
  return id;
}

/** The peer calls and the browser answers. */
async function called({ near, far }) {
  await far.call(near);
  const id = await near.incoming();
  await near.t("answer", id);
  await near.answered(id);
  await far.answered();
  return id;
}

async function finish({ near, far }, id) {
  await near.t("hangUp", id);
  await near.ended(id);
  await far.ended();
}

/** Watches the far side's state, which it lets change like this; `told` reads it from what a NOTIFY says. */
async function watches({ near, far }, event, changes, change, told) {
  await near.t("watch", far.watched ?? far.number, event);
  for (const wanted of changes) {
    await change(wanted);
    // What was true before may be told first.
    while (told((await near.saw("watched", undefined, 5_000)).content ?? {}) !== wanted);
  }
}

function digitsOut(method) {
  return async (scene) => {
    const id = await talking(scene);
    await scene.near.hears(id, hum(scene.far));
    await scene.near.t("digits", id, DIGITS, method);
    assert.equal(await scene.far.heardDigits(DIGITS.length), DIGITS);
    await finish(scene, id);
  };
}

function digitsIn(method) {
  return async (scene) => {
    const { near, far } = scene;
    const id = far.talkingBy ? await far.talkingBy(scene, method) : await talking(scene);
    await near.hears(id, hum(scene.far));
    await far.digits("159", method);
    let heard = "";
    while (heard.length < 3) heard += (await near.saw("digit", id, 5_000)).digit;
    assert.equal(heard, "159");
    await finish(scene, id);
  };
}

/** In the order of the matrix. */
export const cases = [
  {
    id: "register",
    title: "register, and withdraw it",
    needs: ["registrar"],
    run: async ({ open }) => {
      const phone = await open();
      await phone.saw("registered");
      await phone.t("unregister");
      await phone.saw("unregistered");
    },
  },
  {
    id: "wrong-password",
    title: "wrong password",
    needs: ["registrar"],
    run: async ({ open }) => {
      const phone = await open({ password: "not-this" });
      const { error } = await phone.saw("failed");
      assert.equal(error.code, "WRONG_CREDENTIALS");
    },
  },
  {
    id: "call-out",
    title: "call out, sound both ways",
    needs: ["rings"],
    run: async (scene) => {
      const { near, far } = scene;
      const id = await near.call(far.number);
      await far.rings();
      await near.saw("ringing", id);
      await far.answer();
      await near.answered(id);
      await near.hears(id, hum(scene.far));
      await far.hears?.(TONE.near);
      await finish(scene, id);
      await far.heard?.(TONE.near);
    },
  },
  {
    id: "call-in",
    title: "call in, sound both ways",
    needs: ["call"],
    run: async (scene) => {
      const id = await called(scene);
      await scene.near.hears(id, hum(scene.far));
      await scene.far.hears?.(TONE.near);
      await finish(scene, id);
      await scene.far.heard?.(TONE.near);
    },
  },
  {
    id: "busy-there",
    title: "the far side is busy",
    needs: ["refuse"],
    run: async ({ near, far }) => {
      const id = await near.call(far.number);
      await far.rings();
      await far.refuse();
      const end = await near.ended(id);
      assert.equal(end.error?.code, "BUSY", JSON.stringify(end));
    },
  },
  {
    id: "busy-here",
    title: "the browser is busy",
    needs: ["call"],
    run: async ({ near, far }) => {
      await far.call(near);
      await near.t("reject", await near.incoming(), 486);
      assert.equal(await far.refused(), 486);
    },
  },
  {
    id: "no-answer",
    title: "nobody answers",
    needs: ["patient"],
    run: async ({ near, far }) => {
      const id = await near.call(far.patient);
      await near.saw("ringing", id);
      const end = await near.ended(id, 20_000);
      assert.equal(end.by, "remote");
      assert.equal(end.error?.code, "NO_ANSWER", JSON.stringify(end));
    },
  },
  {
    id: "cancel-near",
    title: "the browser gives up while it rings",
    needs: ["rings"],
    run: async ({ near, far }) => {
      const id = await near.call(far.number);
      await far.rings();
      await near.saw("ringing", id);
      await near.t("hangUp", id);
      await near.ended(id);
      await far.ended();
    },
  },
  {
    id: "cancel-far",
    title: "the far side gives up while it rings",
    needs: ["call"],
    run: async ({ near, far }) => {
      await far.call(near);
      const id = await near.incoming();
      await far.hangUp();
      const end = await near.ended(id);
      assert.equal(end.by, "remote");
    },
  },
  {
    id: "hangup-near",
    title: "the browser hangs up",
    needs: ["rings"],
    run: async (scene) => finish(scene, await talking(scene)),
  },
  {
    id: "hangup-far",
    title: "the far side hangs up",
    needs: ["rings"],
    run: async (scene) => {
      const id = await talking(scene);
      await scene.far.hangUp();
      const end = await scene.near.ended(id);
      assert.equal(end.by, "remote");
      assert.equal(end.error, undefined);
    },
  },
  {
    id: "hold-near",
    title: "the browser holds and resumes",
    needs: ["held"],
    run: async (scene) => {
      const { near, far } = scene;
      const id = await talking(scene);
      await near.hears(id, hum(scene.far));
      await near.t("hold", id);
      await far.held();
      await near.t("resume", id);
      await far.resumed();
      await near.hears(id, hum(scene.far));
      await finish(scene, id);
    },
  },
  {
    id: "hold-far",
    title: "the far side holds and resumes",
    needs: ["hold"],
    run: async (scene) => {
      const { near, far } = scene;
      const id = await talking(scene);
      await near.hears(id, hum(scene.far));
      await far.hold();
      assert.equal((await near.saw("hold", id)).held.remote, true);
      await far.resume();
      assert.equal((await near.saw("hold", id)).held.remote, false);
      await near.hears(id, hum(scene.far));
      await finish(scene, id);
    },
  },
  {
    id: "blind-near",
    title: "blind transfer by the browser",
    needs: ["joined"],
    run: async (scene) => {
      const { near, far } = scene;
      await far.prepare?.();
      const id = await talking(scene);
      await Promise.all([far.joined(), near.t("transfer", id, far.third)]);
      await near.ended(id);
    },
  },
  {
    id: "blind-far",
    title: "blind transfer by the far side",
    needs: ["blind"],
    run: async (scene) => {
      const { near, far } = scene;
      await far.prepare?.();
      const id = await talking(scene);
      await Promise.all([
        far.blind(),
        near.saw("transferrequest", id).then(() => near.t("acceptTransfer", id, "new")),
      ]);
      await near.answered("new");
      await near.hears("new", TONE.third);
      await near.ended(id);
    },
  },
  {
    id: "attended-near",
    title: "attended transfer by the browser",
    needs: ["joined"],
    run: async (scene) => {
      const { near, far } = scene;
      await far.prepare?.();
      const id = await talking(scene);
      await Promise.all([far.joined(), near.t("attended", id, "second", far.third)]);
      await near.ended(id);
      await near.ended("second");
    },
  },
  {
    id: "attended-far",
    title: "attended transfer by the far side",
    needs: ["attended"],
    run: async (scene) => {
      const { near, far } = scene;
      await far.prepare?.();
      const id = await talking(scene);
      await near.hears(id, hum(scene.far));
      const { refers } = await far.attended(near, id);
      if (!refers) return near.hears(id, TONE.third);
      await near.saw("transferrequest", id);
      await near.t("acceptTransfer", id, "new");
      await near.answered("new");
      await near.hears("new", TONE.third);
    },
  },
  ...[
    ["rtp", "RFC 4733"],
    ["info-relay", "INFO dtmf-relay"],
    ["info-dtmf", "INFO dtmf"],
  ].flatMap(([method, title]) => [
    { id: `digits-out-${method}`, title: `digits to the far side, ${title}`, needs: ["heardDigits"], run: digitsOut(method) },
    { id: `digits-in-${method}`, title: `digits to the browser, ${title}`, needs: ["digits"], run: digitsIn(method) },
  ]),
  {
    id: "message-out",
    title: "MESSAGE from the browser",
    needs: ["heardMessage"],
    run: async ({ near, far }) => {
      await near.t("message", far.number, "hello far side");
      assert.equal(await far.heardMessage(), "hello far side");
    },
  },
  {
    id: "message-in",
    title: "MESSAGE to the browser",
    needs: ["message"],
    run: async ({ near, far }) => {
      await far.message(near, "hello, browser");
      // SIPp ends every body with a new line.
      assert.equal((await near.saw("message")).body.trimEnd(), "hello, browser");
    },
  },
  {
    id: "lamp",
    title: "voice-mail lamp",
    needs: ["voicemail"],
    run: async ({ near, far }) => {
      await near.t("lamp", far.mailbox ?? near.uri);
      const dark = await near.saw("lamp");
      assert.equal(dark.content?.waiting, false, JSON.stringify(dark.content));
      await far.voicemail();
      const lit = await near.saw("lamp");
      assert.equal(lit.content?.waiting, true, JSON.stringify(lit.content));
    },
  },
  {
    id: "presence",
    title: "presence of the far side",
    needs: ["appears"],
    run: (scene) => watches(scene, "presence", ["closed", "open"], (basic) => scene.far.appears(basic), ({ basic }) => basic),
  },
  {
    id: "busy-lamp",
    title: "busy lamp of the far side",
    needs: ["shows"],
    run: (scene) => watches(scene, "dialog", ["ringing", "busy", "idle"], (lamp) => scene.far.shows(lamp), ({ lamp }) => lamp),
  },
  {
    id: "prack",
    title: "ringing that arrives for certain (PRACK)",
    needs: ["reliably"],
    run: (scene) => scene.far.reliably(scene),
  },
  {
    id: "refresh",
    title: "session refresh",
    needs: ["refreshed"],
    // Begun before the first case, because the shortest interval that RFC 4028 allows is 90 s.
    longest: 75_000,
    run: async (scene) => {
      if (scene.opening) throw scene.opening;
      await scene.far.refreshed(scene);
    },
  },
  {
    id: "delayed-out",
    title: "the browser's INVITE without an offer",
    needs: ["rings"],
    run: async (scene) => {
      const id = await talking(scene, { offer: "delayed" });
      assert.ok(!scene.near.lastSent("INVITE").includes("v=0"), "the INVITE has no offer");
      await scene.near.hears(id, hum(scene.far));
      await finish(scene, id);
    },
  },
  {
    id: "delayed-in",
    title: "the far side's INVITE without an offer",
    needs: ["callWithoutOffer"],
    run: async (scene) => {
      const { near, far } = scene;
      await far.callWithoutOffer(near);
      const id = await near.incoming();
      await near.t("answer", id);
      await near.answered(id);
      await near.hears(id, hum(scene.far));
      await finish(scene, id);
    },
  },
];
