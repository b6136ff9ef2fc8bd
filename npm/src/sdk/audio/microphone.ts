/** Opens microphones, and changes the one of a call that is under way. */
import type { Call } from "../call.js";
import { SipError, type SipErrorInit } from "../errors.js";

/** Opens a microphone. Rejected with a `SipError` that says what the person can do. */
export async function openMicrophone(constraints: MediaTrackConstraints | boolean): Promise<MediaStream> {
  const devices = (navigator as { readonly mediaDevices?: MediaDevices }).mediaDevices;
  if (!devices) throw insecure();
  try {
    return await devices.getUserMedia({ audio: constraints });
  } catch (thrown) {
    throw refused(thrown);
  }
}

/** Who sends a call's microphone in place of its sender, and hears of another one. */
const mixers = new WeakMap<Call, () => void>();

/** The call's microphone is mixed from now on, or no more. */
export function mixMicrophone(call: Call, handleChange: (() => void) | undefined): void {
  if (handleChange) mixers.set(call, handleChange);
  else mixers.delete(call);
}

/** Calls that send a stream of the page's own, which is the page's to look after. */
const ownSound = new WeakSet<Call>();

/** The call sends this stream in place of a microphone, where there is one. */
export function setOwnSound(call: Call, stream: MediaStream | undefined): void {
  if (stream) ownSound.add(call);
}

/** Does the call send a microphone that we look after? */
export function sendsMicrophone(call: Call): boolean {
  return call.localStream !== undefined && !ownSound.has(call);
}

/** Has a call send `stream` from now on; its former microphone is stopped. */
export async function replaceMicrophone(call: Call, stream: MediaStream): Promise<void> {
  const { localStream: local } = call;
  const [track] = stream.getAudioTracks();
  const old = local?.getAudioTracks() ?? [];
  const sender = senderOf(call, old);
  const mixer = mixers.get(call);
  if (!local || !track || !(sender ?? mixer)) {
    stream.getTracks().forEach((each) => { each.stop(); });
    return;
  }
  track.enabled = isHeard(call);
  // The core mutes and stops whatever is in this stream, also while the sender changes.
  local.addTrack(track);
  try {
    await sender?.replaceTrack(track);
  } catch (thrown) {
    local.removeTrack(track);
    track.stop();
    throw SipError.from(thrown);
  }
  track.enabled = isHeard(call);
  old.forEach((each) => { local.removeTrack(each); each.stop(); });
  mixer?.();
}

function senderOf({ peerConnection }: Call, tracks: readonly MediaStreamTrack[]): RTCRtpSender | undefined {
  return peerConnection?.getSenders().find(({ track }) => track !== null && tracks.includes(track));
}

function isHeard({ muted, held }: Call): boolean {
  return !muted && !held.local;
}

function insecure(): SipError {
  return new SipError({ code: "INSECURE_PAGE", message: "Browsers give no microphone to this page. It must be served over https or from localhost.", fatal: true });
}

function refused(thrown: unknown): SipError {
  const name = thrown instanceof DOMException ? thrown.name : "";
  const errors: Record<string, Pick<SipErrorInit, "code" | "message" | "fatal" | "retryable">> = {
    NotAllowedError: { code: "MIC_DENIED", fatal: true, message: "The microphone is not allowed. Allow it for this page in the browser's address bar." },
    NotFoundError: { code: "MIC_NOT_FOUND", fatal: true, message: "No microphone was found. Connect one." },
    OverconstrainedError: { code: "MIC_NOT_FOUND", fatal: true, message: "This microphone is not there any more. Choose another one." },
  };
  const inUse = { code: "MIC_IN_USE", retryable: true, message: "The microphone could not be opened. Close other programs that use it." } as const;
  return new SipError({ ...(errors[name === "SecurityError" ? "NotAllowedError" : name] ?? inUse), cause: thrown });
}
