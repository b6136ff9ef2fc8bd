/**
 * The quality of one call while it lasts: a report in each interval, and warnings that come and go.
 *
 * Measuring begins with the first look at `call.quality`; nobody pays for what nobody watches. One `getStats` at a time.
 */
import type { Call } from "../call.js";
import { TypedEventTarget } from "../events.js";
import { iterate } from "../iterate.js";
import { type Counters, type QualityReport, readCounters, reportBetween } from "./report.js";
import { type QualityWarning, Warnings } from "./warnings.js";

/** An interval is over. */
export class QualityReportEvent extends Event {
  constructor(readonly report: QualityReport) {
    super("report");
  }
}

/** Something became bad, or good again. */
export class QualityWarningEvent extends Event {
  constructor(
    readonly warning: QualityWarning,
    /** Is it good again? */
    readonly cleared: boolean,
  ) {
    super("warning");
  }
}

/** The call is over, and so are its reports. */
export class QualityEndedEvent extends Event {
  constructor() {
    super("ended");
  }
}

/** The events of `CallQuality`. */
export interface CallQualityEventMap {
  report: QualityReportEvent;
  warning: QualityWarningEvent;
  ended: QualityEndedEvent;
}

/** From the outside: how good it sounds. */
export type QualityGrade = "good" | "fair" | "bad";

/** Milliseconds of an interval. */
const INTERVAL = 1_000;

/** The quality of a call. */
export class CallQuality extends TypedEventTarget<CallQualityEventMap> {
  readonly #call: Call;
  readonly #warnings = new Warnings();
  #report: QualityReport | undefined;
  #before: Counters | undefined;
  #connection: RTCPeerConnection | undefined;
  #isMeasuring = false;

  /** @internal Use `call.quality`. */
  constructor(call: Call) {
    super();
    this.#call = call;
    const begin = (): void => void this.#measure();
    call.on("mediachange", begin).on("statechange", begin);
    call.once("ended", () => { this.dispatchEvent(new QualityEndedEvent()); });
    begin();
  }

  /** The newest report. */
  get report(): QualityReport | undefined {
    return this.#report;
  }

  /** The warnings that stand. */
  get warnings(): readonly QualityWarning[] {
    return this.#warnings.current;
  }

  /** In one word, once there is a report. */
  get grade(): QualityGrade | undefined {
    const mos = this.#report?.mos;
    if (mos === undefined) return undefined;
    if (this.warnings.some(({ code }) => code === "NO_SOUND_RECEIVED") || mos < 3) return "bad";
    return mos < 3.8 || this.warnings.length > 0 ? "fair" : "good";
  }

  /** The reports as they come, for `for await`; ends with the call, or when the signal aborts. */
  async *reports({ signal }: { signal?: AbortSignal } = {}): AsyncGenerator<QualityReport, void, undefined> {
    if (this.#call.state === "ended") return;
    const events = iterate<QualityReportEvent | QualityEndedEvent>(this, ["report", "ended"], "ended", signal);
    for await (const event of events) if (event instanceof QualityReportEvent) yield event.report;
  }

  async #measure(): Promise<void> {
    if (this.#isMeasuring) return;
    this.#isMeasuring = true;
    while (isConnected(this.#call)) {
      await this.#look().catch(() => undefined);
      await new Promise((resolve) => { setTimeout(resolve, INTERVAL); });
    }
    this.#isMeasuring = false;
  }

  async #look(): Promise<void> {
    const connection = this.#call.peerConnection;
    if (!connection) return;
    // Another connection (the call was renegotiated from the start) counts from zero.
    if (connection !== this.#connection) this.#before = undefined;
    this.#connection = connection;
    const counters = readCounters(await connection.getStats(), Date.now());
    const before = this.#before;
    this.#before = counters;
    if (before && isConnected(this.#call)) this.#tell(reportBetween(before, counters));
  }

  #tell(report: QualityReport): void {
    const { muted, held, state } = this.#call;
    this.#report = report;
    const receives = state === "active" && !held.local && !held.remote;
    const changes = this.#warnings.handleReport(report, { receives, sends: receives && !muted });
    this.dispatchEvent(new QualityReportEvent(report));
    changes.forEach(({ warning, cleared }) => { this.dispatchEvent(new QualityWarningEvent(warning, cleared)); });
  }
}

function isConnected({ state, peerConnection }: Call): boolean {
  return (state === "active" || state === "early") && peerConnection !== undefined;
}
