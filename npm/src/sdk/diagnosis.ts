/** Looks where a call would fail before somebody makes one: page, microphone, server, account, and the sound both ways. */
import type { AudioDevices } from "./audio/devices.js";
import type { Call } from "./call.js";
import { SipError } from "./errors.js";
import type { CallOptions } from "./user-agent-options.js";

/** What is looked at, in this order. */
export type DiagnosisStep = "page" | "microphone" | "server" | "account" | "sound";

/** What one look found. */
export interface DiagnosisFinding {
  readonly step: DiagnosisStep;
  readonly ok: boolean;
  /** Why not, with a sentence for people. */
  readonly error?: SipError;
  /** What was found: the microphone's name, milliseconds to connect, the mark of the sound. */
  readonly detail?: string;
}

/** What all looks found. */
export interface Diagnosis {
  readonly ok: boolean;
  /** Ends with the first that failed. */
  readonly findings: readonly DiagnosisFinding[];
}

/** How to look. */
export interface DiagnoseOptions {
  /** A number that sends back what it hears, for the last step. Default: that step is left out. */
  echo?: string;
  /** Called after each step. */
  onFinding?: (finding: DiagnosisFinding) => void;
  signal?: AbortSignal;
}

/** @internal What is looked at. */
export interface Patient {
  readonly devices: AudioDevices;
  readonly registers: boolean;
  connect(options: { signal?: AbortSignal }): Promise<void>;
  register(options: { signal?: AbortSignal }): Promise<void>;
  call(target: string, options: CallOptions): Call;
}

/** How long a microphone is listened to, in milliseconds. */
const LISTEN = 600;
/** How long the echo may take to answer and to be heard, in milliseconds. */
const ECHO = 15_000;

/** @internal Use `UserAgent.diagnose()`. */
export async function diagnose(patient: Patient, { echo, onFinding, signal }: DiagnoseOptions): Promise<Diagnosis> {
  const abort = signal ? { signal } : {};
  const steps: [DiagnosisStep, () => Promise<string>][] = [
    ["page", () => Promise.resolve(assertSecure())],
    ["microphone", async () => (await patient.devices.testMicrophone({ duration: LISTEN, ...abort })).label],
    ["server", () => timed(() => patient.connect(abort))],
  ];
  if (patient.registers) steps.push(["account", () => timed(() => patient.register(abort))]);
  if (echo !== undefined) steps.push(["sound", () => hearEcho(patient, echo, signal)]);
  const findings: DiagnosisFinding[] = [];
  for (const [step, look] of steps) {
    const finding = await found(step, look, signal);
    findings.push(finding);
    onFinding?.(finding);
    if (!finding.ok) break;
  }
  return { ok: findings.every(({ ok }) => ok), findings };
}

async function found(step: DiagnosisStep, look: () => Promise<string>, signal: AbortSignal | undefined): Promise<DiagnosisFinding> {
  try {
    if (signal?.aborted) throw new SipError({ code: "CANCELLED", message: "The diagnosis was given up.", cause: signal.reason });
    return { step, ok: true, detail: await look() };
  } catch (thrown) {
    return { step, ok: false, error: SipError.from(thrown) };
  }
}

function assertSecure(): string {
  if (isSecureContext) return location.origin;
  throw new SipError({ code: "INSECURE_PAGE", message: "Browsers allow calls only on pages that are served over https, or from localhost.", fatal: true });
}

async function timed(work: () => Promise<void>): Promise<string> {
  const start = performance.now();
  await work();
  return `${String(Math.round(performance.now() - start))} ms`;
}

/** Calls the echo and waits until its sound was measured. */
async function hearEcho(patient: Patient, target: string, signal: AbortSignal | undefined): Promise<string> {
  const over = AbortSignal.any([AbortSignal.timeout(ECHO), ...(signal ? [signal] : [])]);
  const call = patient.call(target, { signal: over });
  try {
    await call.answered;
    for await (const { received, mos } of call.quality.reports({ signal: over })) {
      if (received.packets > 0) return `MOS ${mos.toFixed(1)}`;
    }
    throw new SipError({ code: "MEDIA_FAILED", message: "The call was answered, but no sound came back. A firewall may keep it out.", retryable: true });
  } finally {
    call.hangUp();
  }
}
