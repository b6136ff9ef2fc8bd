/**
 * The microphone and the loudspeakers of a user agent: which there are, which are chosen, and what is done when one goes.
 *
 * A choice holds for calls that are under way and for later ones. Where a device was taken away, the next best takes its
 * place; the page hears of it, and nothing polls.
 */
import type { Call } from "../call.js";
import { SipError } from "../errors.js";
import { TypedEventTarget } from "../events.js";
import { type LevelOptions, watchLevel } from "./level.js";
import { openMicrophone, replaceMicrophone, sendsMicrophone } from "./microphone.js";
import { canChooseSpeaker, chooseSpeaker, speakerId } from "./speakers.js";

/** A microphone or a loudspeaker. */
export interface AudioDevice {
  readonly id: string;
  readonly kind: "input" | "output";
  /** Its name; empty until the microphone was allowed once. */
  readonly label: string;
}

/** What a microphone test found. */
export interface MicrophoneTest {
  /** The name of the microphone. */
  readonly label: string;
  /** The loudest moment, from 0 to 1. */
  readonly peak: number;
  /** Was anything heard? */
  readonly heard: boolean;
}

/** Devices were connected or taken away. */
export class DevicesChangeEvent extends Event {
  constructor(readonly devices: readonly AudioDevice[]) {
    super("devicechange");
  }
}

/** The microphone of a call was taken away. */
export class InputLostEvent extends Event {
  constructor(
    readonly call: Call,
    /** The name of the one that is gone. */
    readonly label: string,
    /** The name of the one that took its place; none where there is none. */
    readonly replacement?: string,
    /** Why none did. It is tried again as soon as a device is connected. */
    readonly error?: SipError,
  ) {
    super("inputlost");
  }
}

/** The events of `AudioDevices`. */
export interface AudioDevicesEventMap {
  devicechange: DevicesChangeEvent;
  inputlost: InputLostEvent;
}

/** What a test takes for a voice, as a meter shows it. */
const HEARD = 0.25;

/** The devices of one user agent. */
export class AudioDevices extends TypedEventTarget<AudioDevicesEventMap> {
  /** @internal The core reads them whenever it opens the microphone. */
  readonly constraints: MediaTrackConstraints | boolean;

  /** The microphone that the page named, until another is chosen. */
  #named: MediaTrackConstraints["deviceId"];
  readonly #calls = new Set<Call>();
  /** Calls whose microphone is gone, with nothing in its place. */
  readonly #silent = new Set<Call>();
  readonly #watched = new WeakSet<MediaStreamTrack>();
  #work: Promise<unknown> = Promise.resolve();
  #input = "";
  #wantedOutput = "";
  #defaultInput: string | undefined;

  /** @internal Use `UserAgent.devices`. */
  constructor(input: MediaTrackConstraints | boolean = true, signal?: AbortSignal) {
    super();
    this.constraints = input === false ? false : { ...(input === true ? {} : input) };
    this.#named = typeof this.constraints === "object" ? this.constraints.deviceId : undefined;
    const devices = mediaDevices();
    devices?.addEventListener("devicechange", () => void this.#handleChange(), signal ? { signal } : {});
  }

  /** The id of the chosen microphone; empty is the system's default. */
  get input(): string {
    return this.#input;
  }

  /** The id of the chosen loudspeaker; empty is the system's default. */
  get output(): string {
    return speakerId("speaker");
  }

  /** The id of the loudspeaker that rings. */
  get ringer(): string {
    return speakerId("ringer");
  }

  /** Can this browser choose a loudspeaker? */
  get canSetOutput(): boolean {
    return canChooseSpeaker();
  }

  /** The microphones and loudspeakers. Names are empty until the microphone was allowed once. */
  async list(): Promise<AudioDevice[]> {
    const found = (await mediaDevices()?.enumerateDevices()) ?? [];
    this.#defaultInput = groupOf(found);
    return found
      .filter(({ kind, deviceId }) => kind !== "videoinput" && deviceId !== "default" && deviceId !== "communications")
      .map(({ deviceId, kind, label }) => ({ id: deviceId, kind: kind === "audioinput" ? "input" : "output", label }));
  }

  /** Uses another microphone, also in calls that are under way. Rejected with a `SipError` when it cannot be opened. */
  setInput(id: string): Promise<void> {
    return this.#oneAfterTheOther(async () => {
      await this.#switchAll(id === "" ? {} : { deviceId: { exact: id } });
      this.#input = id;
      this.#named = undefined;
      this.#followInput(await this.list());
    });
  }

  /** Plays calls through another loudspeaker, also those that are under way. */
  setOutput(id: string): Promise<void> {
    return this.#oneAfterTheOther(async () => {
      await play("speaker", id);
      this.#wantedOutput = id;
    });
  }

  /** Rings on another loudspeaker. */
  setRinger(id: string): Promise<void> {
    return play("ringer", id);
  }

  /** Opens the microphone for a moment and says whether something is heard. Rejected with a `SipError` when it cannot. */
  async testMicrophone({ duration = 3_000, signal, onLevel }: { duration?: number; signal?: AbortSignal; onLevel?: (level: number) => void } = {}): Promise<MicrophoneTest> {
    const stream = await openMicrophone(this.constraints);
    try {
      const over = AbortSignal.any([AbortSignal.timeout(duration), ...(signal ? [signal] : [])]);
      let peak = 0;
      this.watchLevel(stream, (level) => { peak = Math.max(peak, level); onLevel?.(level); }, { interval: 50, signal: over });
      if (!over.aborted) await new Promise((resolve) => { over.addEventListener("abort", resolve, { once: true }); });
      return { label: stream.getAudioTracks()[0]?.label ?? "", peak, heard: peak >= HEARD };
    } finally {
      stream.getTracks().forEach((track) => { track.stop(); });
    }
  }

  /** Calls `onLevel` again and again with how loud a stream is, from 0 to 1, until the signal aborts. */
  watchLevel(stream: MediaStream, onLevel: (level: number) => void, options: LevelOptions = {}): void {
    watchLevel(stream, onLevel, options);
  }

  /** @internal Looks after the microphone of a call until it ends; a stream of the page's own is the page's to look after. */
  follow(call: Call): void {
    this.#calls.add(call);
    const watch = (): void => { this.#watch(call); };
    call.on("statechange", watch).on("mediachange", watch).on("holdchange", watch);
    call.once("ended", () => { this.#calls.delete(call); this.#silent.delete(call); });
  }

  #watch(call: Call): void {
    if (!sendsMicrophone(call)) return;
    call.localStream?.getAudioTracks().filter((track) => !this.#watched.has(track)).forEach((track) => {
      this.#watched.add(track);
      track.addEventListener("ended", () => void this.#recover(call, track), { once: true });
    });
  }

  /** A track ends by itself only when its device is gone or not allowed any more. */
  #recover(call: Call, lost: MediaStreamTrack): Promise<void> {
    return this.#oneAfterTheOther(async () => {
      if (call.state === "ended") return;
      this.#followInput((await this.list()).filter(({ label }) => label !== lost.label));
      try {
        const replacement = await this.#switch(call, this.constraints);
        this.dispatchEvent(new InputLostEvent(call, lost.label, replacement));
      } catch (thrown) {
        this.#silent.add(call);
        this.dispatchEvent(new InputLostEvent(call, lost.label, undefined, SipError.from(thrown)));
      }
    });
  }

  async #handleChange(): Promise<void> {
    const before = this.#defaultInput;
    const devices = await this.list();
    this.dispatchEvent(new DevicesChangeEvent(devices));
    await this.#oneAfterTheOther(async () => {
      this.#followInput(devices);
      await this.#followOutput(devices);
      for (const call of this.#silent) await this.#switch(call, this.constraints).then(() => this.#silent.delete(call), ignore);
      const isMoved = this.#input === "" && this.#named === undefined && before !== undefined && before !== this.#defaultInput;
      if (isMoved) await this.#switchAll({}).catch(ignore);
    });
  }

  /** Later calls take the chosen microphone while it is there, else what the page named, else the default. Chromium ignores an `ideal` one. */
  #followInput(devices: readonly AudioDevice[]): void {
    if (typeof this.constraints !== "object") return;
    const isThere = this.#input !== "" && devices.some(({ id, kind }) => kind === "input" && id === this.#input);
    if (isThere) this.constraints.deviceId = { exact: this.#input };
    else if (this.#named !== undefined && isAmong(devices, this.#named)) this.constraints.deviceId = this.#named;
    else delete this.constraints.deviceId;
  }

  /** The chosen loudspeaker while it is there, else the default. */
  async #followOutput(devices: readonly AudioDevice[]): Promise<void> {
    if (this.#wantedOutput === "") return;
    const isThere = devices.some(({ id, kind }) => kind === "output" && id === this.#wantedOutput);
    await chooseSpeaker("speaker", isThere ? this.#wantedOutput : "").catch(ignore);
  }

  /** The calls that send a microphone get another; those that send a stream of the page keep it. */
  async #switchAll(device: MediaTrackConstraints): Promise<void> {
    const constraints = typeof this.constraints === "object" ? { ...this.constraints, deviceId: "", ...device } : device;
    for (const call of this.#calls) {
      if (sendsMicrophone(call)) await this.#switch(call, constraints);
    }
  }

  /** Returns the name of the new microphone. */
  async #switch(call: Call, constraints: MediaTrackConstraints | boolean): Promise<string> {
    const stream = await openMicrophone(constraints);
    await replaceMicrophone(call, stream);
    this.#watch(call);
    return stream.getAudioTracks()[0]?.label ?? "";
  }

  /** Two switches at once would leave one microphone open. */
  #oneAfterTheOther<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined);
    return done;
  }
}

/** Is one of the microphones that are demanded there? Who may not know the devices cannot say that none is. */
function isAmong(devices: readonly AudioDevice[], wanted: ConstrainDOMString): boolean {
  const exact = typeof wanted === "object" && !Array.isArray(wanted) ? wanted.exact : undefined;
  if (exact === undefined) return true;
  return devices.some(({ id, kind }) => kind === "input" && (id === "" || [exact].flat().includes(id)));
}

async function play(which: "speaker" | "ringer", id: string): Promise<void> {
  try {
    await chooseSpeaker(which, id);
  } catch (cause) {
    throw new SipError({ code: "INVALID_ARGUMENT", message: "This loudspeaker cannot be used. Choose one from devices.list().", cause });
  }
}

function mediaDevices(): MediaDevices | undefined {
  return (globalThis as { navigator?: { mediaDevices?: MediaDevices } }).navigator?.mediaDevices;
}

/** Chromium lists the default as a device of its own; its group says which one it is. */
function groupOf(devices: readonly MediaDeviceInfo[]): string | undefined {
  return devices.find(({ kind, deviceId }) => kind === "audioinput" && deviceId === "default")?.groupId;
}

function ignore(): void {
  // It is tried again with the next change of devices.
}
