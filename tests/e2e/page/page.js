// What the tests call in the page: user agents and calls by name, each with a journal of what they said.

import * as sdk from "/package/dist/index.js";
import * as sound from "./sound.js";

/** The microphone as it is: what a browser does to speech would take a test tone for noise. */
const PLAIN_MICROPHONE = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

const agents = {};
const calls = {};
const recorders = {};
const players = {};
const consultations = {};
const conferences = {};

function agent(name, config) {
  const begun = performance.now();
  const ua = new sdk.UserAgent({ audio: { input: PLAIN_MICROPHONE }, ...config });
  const entry = { ua, begun, journal: [], calls: [], incoming: [], resumed: [] };
  agents[name] = entry;
  const note = (what) => entry.journal.push({ at: performance.now(), ...what });
  ua.addEventListener("connectionchange", (e) => note({ type: e.type, state: e.state, error: plainError(e.error), code: e.code }));
  ua.addEventListener("registrationchange", (e) => note({ type: e.type, state: e.state, expires: e.expires, error: plainError(e.error) }));
  ua.addEventListener("error", (e) => note({ type: e.type, error: plainError(e.error) }));
  ua.addEventListener("resumed", (e) => {
    const call = watch(e.call);
    // Listened for at once: the first sound is what is measured.
    call.sound = new Promise((resolve) => e.call.addEventListener("remotetrack", ({ stream }) => resolve(sound.decoded(stream)), { once: true }));
    entry.resumed.push(call);
  });
  ua.addEventListener("incomingcall", (e) => {
    note({ type: e.type, from: plain(e.call.remote), headers: plain(e.call.headers) });
    entry.incoming.push(watch(e.call));
  });
  return true;
}

/** Keeps a journal of a call; gives back its entry. */
function watch(call) {
  const entry = { call, journal: [{ at: performance.now(), type: "made", state: call.state }] };
  const note = (what) => entry.journal.push({ at: performance.now(), ...what });
  call.addEventListener("statechange", (e) => note({ type: e.type, state: e.state, previous: e.previous, status: e.status, now: call.state }));
  call.addEventListener("mutechange", (e) => note({ type: e.type, muted: e.muted }));
  call.addEventListener("holdchange", (e) => note({ type: e.type, held: plain(e.held), now: plain(call.held) }));
  call.addEventListener("digit", (e) => note({ type: e.type, digit: e.digit, duration: e.duration }));
  call.addEventListener("digitsent", (e) => note({ type: e.type, digit: e.digit }));
  call.addEventListener("mediachange", (e) => note({ type: e.type, state: e.state }));
  call.addEventListener("remotetrack", () => note({ type: "remotetrack" }));
  call.addEventListener("ended", (e) => note({ type: e.type, end: plainEnd(e.end) }));
  entry.answered = call.answered.then(
    () => ({ ok: true, at: performance.now() }),
    (error) => ({ ok: false, at: performance.now(), error: plainError(error) }),
  );
  entry.ended = call.ended.then((end) => plainEnd(end));
  return entry;
}

function plainError(error) {
  if (!error) return undefined;
  const { name, code, message, status, fatal, retryable } = error;
  return { name, code, message, status, fatal, retryable };
}

function plainEnd(end) {
  return { by: end.by, status: end.status, reason: end.reason, q850: end.q850, error: plainError(end.error) };
}

function plain(value) {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

function settled(promise, ms, what) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what} did not happen in ${ms} ms`)), ms);
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

async function until(question, ms, what) {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    const answer = question();
    if (answer) return answer;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${what} did not happen in ${ms} ms`);
}

function outcome(promise) {
  return promise.then(
    (result) => ({ ok: true, ...result }),
    (error) => ({ ok: false, error: plainError(error) }),
  );
}

/** When the next WebSocket message that begins so is sent. */
function nextSent(beginning) {
  return new Promise((resolve) => {
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (data) {
      if (String(data).startsWith(beginning)) {
        WebSocket.prototype.send = send;
        resolve(performance.now());
      }
      return send.call(this, data);
    };
  });
}

/** Commands and questions. Everything that goes in or out is plain data. */
window.t = {
  loaded: true,
  agent,
  agentJournal: (name) => agents[name].journal,
  agentState: (name) => ({ connection: agents[name].ua.state, registration: agents[name].ua.registration.state }),
  ready: (name, ms = 10_000) =>
    settled(agents[name].ua.ready.then(() => ({ ok: true }), (error) => ({ ok: false, error: plainError(error) })), ms, "ready"),
  unregister: (name) => agents[name].ua.unregister(),
  closeAgent: (name) => agents[name].ua.close(),
  registration: (name, state, ms = 10_000) =>
    until(() => agents[name].journal.find((e) => e.type === "registrationchange" && e.state === state), ms, `registration ${state}`),
  /** Registered, lost, and registered once more. */
  registeredAgain: (name, ms) =>
    until(() => agents[name].journal.filter((e) => e.type === "registrationchange" && e.state === "registered").length >= 2, ms, "a second registration"),
  connection: (name, state, ms = 10_000) =>
    until(() => agents[name].journal.find((e) => e.type === "connectionchange" && e.state === state), ms, `connection ${state}`),

  /** `player` names one, `stream` is { tone, gain }; without them, the microphone speaks. */
  call: async (name, id, target, { stream, player, ...options } = {}) => {
    const source = player ? players[player].stream : stream && (await sound.toneStream(stream.tone, stream.gain));
    const begun = performance.now();
    const call = agents[name].ua.call(target, { ...options, ...(source ? { stream: source } : {}) });
    calls[id] = watch(call);
    calls[id].begun = begun;
    return call.state;
  },
  /** The next incoming call, under a name. */
  incoming: async (name, id, ms = 10_000) => {
    const entry = await until(() => agents[name].incoming.shift(), ms, "an incoming call");
    calls[id] = entry;
    return { remote: plain(entry.call.remote), state: entry.call.state };
  },
  /** The next call of the page before that this one takes back, under a name. */
  takenBack: async (name, id, ms = 10_000) => {
    calls[id] = await until(() => agents[name].resumed.shift(), ms, "a call that is taken back");
    return window.t.about(id);
  },
  about: (id) => {
    const { state, muted, held, duration, direction } = calls[id].call;
    return { state, muted, held: plain(held), duration, direction };
  },
  /** Milliseconds from `new UserAgent` to the first sound of a call that was taken back. */
  firstSound: async (name, id, ms = 15_000) => (await settled(calls[id].sound, ms, "a sound")) - agents[name].begun,
  answer: async (id, { stream, player, ...options } = {}) => {
    const source = player ? players[player].stream : stream && (await sound.toneStream(stream.tone, stream.gain));
    calls[id].call.answer({ ...options, ...(source ? { stream: source } : {}) });
  },
  reject: (id, status) => {
    calls[id].call.reject(status);
  },
  hangUp: (id) => {
    calls[id].call.hangUp();
  },
  /** Ends every call, also one that nobody asked for yet. */
  hangUpAll: () => {
    const waiting = Object.values(agents).flatMap(({ incoming, resumed }) => [...incoming.splice(0), ...resumed.splice(0)]);
    for (const { call } of [...Object.values(calls), ...waiting]) if (call.state !== "ended") call.hangUp();
  },
  mute: (id, muted) => {
    if (muted) calls[id].call.mute();
    else calls[id].call.unmute();
  },
  /** Holds or resumes; what became of it. */
  hold: (id, held, ms = 10_000) => {
    const { call } = calls[id];
    const done = held ? call.hold() : call.resume();
    return settled(done.then(() => ({ ok: true }), (error) => ({ ok: false, error: plainError(error) })), ms, "the hold");
  },
  held: (id) => plain(calls[id].call.held),
  becomes: (id, held, ms = 10_000) =>
    until(() => calls[id].call.held.local === held.local && calls[id].call.held.remote === held.remote, ms, `held ${JSON.stringify(held)}`),
  received: (id) => calls[id].journal.filter((e) => e.type === "digit").map((e) => e.digit).join(""),
  digits: (id, digits, options) => {
    calls[id].call.sendDigits(digits, options);
  },
  transfer: (id, target, options, ms = 20_000) => settled(outcome(calls[id].call.transfer(target, options)), ms, "the transfer"),
  consult: async (id, other, target, { stream, ...options } = {}) => {
    const source = stream && (await sound.toneStream(stream.tone, stream.gain));
    consultations[id] = calls[id].call.consult(target, { ...options, ...(source ? { stream: source } : {}) });
    calls[other] = watch(consultations[id].call);
  },
  complete: (id, ms = 20_000) => settled(outcome(consultations[id].complete()), ms, "the transfer"),
  cancelConsultation: (id) => consultations[id].cancel(),
  merge: async (name, id, other) => {
    conferences[name] = await calls[id].call.merge(calls[other].call);
  },
  muteConference: (name, muted) => {
    if (muted) conferences[name].mute();
    else conferences[name].unmute();
  },
  conference: (name) => ({ participants: conferences[name].participants.length, ended: conferences[name].ended }),
  split: (name, id) => conferences[name].split(calls[id].call),
  resumed: (id, ms = 10_000) => until(() => !calls[id].call.held.local, ms, "the resumption"),
  state: (id) => calls[id].call.state,
  journal: (id) => calls[id].journal,
  states: (id) => calls[id].journal.filter((e) => e.state && e.type !== "mediachange").map((e) => e.state),
  answered: (id, ms = 15_000) => settled(calls[id].answered, ms, "the answer"),
  ended: (id, ms = 15_000) => settled(calls[id].ended, ms, "the end"),
  reached: (id, state, ms = 15_000) =>
    until(() => calls[id].journal.some((e) => e.state === state && e.type !== "mediachange"), ms, `state ${state} (now ${calls[id].call.state})`),

  /** Its sound has a path. */
  connected: (id, ms = 10_000) => until(() => calls[id].call.peerConnection?.connectionState === "connected", ms, "a media path"),

  /** What the call's remote stream sounds like. */
  record: async (id, ms) => {
    const stream = await until(() => calls[id].call.remoteStream, 5_000, "a remote stream");
    return settled(sound.record(stream, ms), ms + 10_000, "the recording");
  },
  startRecording: async (id, { early = false } = {}) => {
    const stream = await until(() => calls[id].call.remoteStream, early ? 15_000 : 5_000, "a remote stream");
    recorders[id] = await sound.recorder(stream);
  },
  /** Plays a player's file into the call and records what comes back: the recording begins when the file does. */
  echoed: async (id, ms) => {
    const stream = await until(() => calls[id].call.remoteStream, 5_000, "a remote stream");
    const ear = await sound.recorder(stream);
    players[id].start();
    ear.restart();
    await new Promise((resolve) => setTimeout(resolve, ms));
    return ear.stop();
  },
  /** What has been recorded so far. */
  recorded: (id) => recorders[id].read(),
  stopRecording: (id) => recorders[id].stop(),
  player: async (id, url) => {
    players[id] = await sound.filePlayer(url);
  },
  play: (id) => players[id].start(),
  /** A call with milliseconds from the click to its INVITE, its answer and its first decoded sound. */
  timedCall: async (name, id, target) => {
    const begun = performance.now();
    const invite = nextSent("INVITE ");
    const call = agents[name].ua.call(target);
    calls[id] = watch(call);
    const inviteAt = await invite;
    const stream = await until(() => call.remoteStream, 15_000, "a remote stream");
    const firstSound = sound.decoded(stream);
    const answered = await settled(calls[id].answered, 15_000, "the answer");
    const soundAt = await settled(firstSound, 5_000, "sound");
    return { began: performance.timeOrigin + begun, invite: inviteAt - begun, answered: answered.at - begun, sound: soundAt - begun };
  },
  stats: async (id) => {
    const report = await calls[id].call.peerConnection.getStats();
    return [...report.values()].map((entry) => plain(entry));
  },
  localDescription: (id) => calls[id].call.peerConnection?.localDescription?.sdp,
  remoteDescription: (id) => calls[id].call.peerConnection?.remoteDescription?.sdp,
};
