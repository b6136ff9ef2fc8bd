/** What the browser's statistics say about one call, as figures for people: loss, jitter, delay and a mark (MOS). */

/** One direction of a call. */
export interface DirectionQuality {
  /** Packets in this interval. */
  readonly packets: number;
  /** The part that was lost, from 0 to 1; none where it is not known. */
  readonly loss?: number;
  /** Milliseconds by which packets come early or late (RFC 3550). */
  readonly jitter?: number;
  /** Kilobits per second. */
  readonly bitrate?: number;
  /** How loud, from 0 to 1. */
  readonly level?: number;
}

/** One interval of a call. */
export interface QualityReport {
  /** When it ended. */
  readonly at: Date;
  /** From the microphone to the server. */
  readonly sent: DirectionQuality;
  /** From the server to the loudspeaker. */
  readonly received: DirectionQuality;
  /** Milliseconds to the server and back. */
  readonly roundTrip?: number;
  /** Milliseconds that sound waits here to be played evenly. */
  readonly buffered?: number;
  /** The mark that listeners would give, from 1 (bad) to 4.4 (best), by the E-model (ITU-T G.107); the worse direction's. */
  readonly mos: number;
}

/** The counters of one moment. Only differences mean something. */
export interface Counters {
  readonly at: number;
  readonly sent: number;
  readonly sentBytes: number;
  readonly sentLoss?: number | undefined;
  readonly sentJitter?: number | undefined;
  readonly sentLevel?: number | undefined;
  readonly received: number;
  readonly receivedBytes: number;
  readonly lost: number;
  readonly jitter?: number | undefined;
  readonly level?: number | undefined;
  readonly roundTrip?: number | undefined;
  readonly bufferDelay: number;
  readonly bufferCount: number;
}

type Entry = Readonly<Record<string, unknown>> & { readonly type: string };

/** Reads the counters of a call with one sound in each direction. */
export function readCounters(stats: ReadonlyMap<string, unknown>, at: number): Counters {
  const entries = [...stats.values()] as Entry[];
  const find = (type: string): Entry | undefined => entries.find((entry) => entry.type === type && (entry["kind"] ?? "audio") === "audio");
  const [inbound, outbound, remote, source] = ["inbound-rtp", "outbound-rtp", "remote-inbound-rtp", "media-source"].map(find);
  const pair = entries.find((entry) => entry.type === "candidate-pair" && (entry["nominated"] === true || entry["selected"] === true));
  return {
    at,
    sent: number(outbound, "packetsSent") ?? 0,
    sentBytes: number(outbound, "bytesSent") ?? 0,
    sentLoss: number(remote, "fractionLost"),
    sentJitter: number(remote, "jitter"),
    sentLevel: number(source, "audioLevel"),
    received: number(inbound, "packetsReceived") ?? 0,
    receivedBytes: number(inbound, "bytesReceived") ?? 0,
    lost: number(inbound, "packetsLost") ?? 0,
    jitter: number(inbound, "jitter"),
    level: number(inbound, "audioLevel"),
    roundTrip: number(remote, "roundTripTime") ?? number(pair, "currentRoundTripTime"),
    bufferDelay: number(inbound, "jitterBufferDelay") ?? 0,
    bufferCount: number(inbound, "jitterBufferEmittedCount") ?? 0,
  };
}

/** What happened between two moments. */
export function reportBetween(before: Counters, now: Counters): QualityReport {
  const seconds = Math.max(0.001, (now.at - before.at) / 1000);
  const packets = Math.max(0, now.received - before.received);
  const lost = Math.max(0, now.lost - before.lost);
  const buffered = now.bufferCount > before.bufferCount ? (1000 * (now.bufferDelay - before.bufferDelay)) / (now.bufferCount - before.bufferCount) : undefined;
  const received = direction(packets, packets + lost === 0 ? undefined : lost / (packets + lost), now.jitter, (now.receivedBytes - before.receivedBytes) / seconds, now.level);
  const sent = direction(Math.max(0, now.sent - before.sent), now.sentLoss, now.sentJitter, (now.sentBytes - before.sentBytes) / seconds, now.sentLevel);
  const roundTrip = milliseconds(now.roundTrip);
  const delay = (roundTrip ?? 0) / 2 + (buffered ?? 0) + CODEC_DELAY;
  const mos = meanOpinion(delay, Math.max(received.loss ?? 0, sent.loss ?? 0));
  return { at: new Date(now.at), sent, received, mos, ...(roundTrip !== undefined && { roundTrip }), ...(buffered !== undefined && { buffered }) };
}

/** Frame and look-ahead of Opus, in milliseconds. */
const CODEC_DELAY = 26.5;
/** How well Opus bears random loss: its packet-loss robustness factor `Bpl`, for 20 ms frames with concealment. */
const ROBUSTNESS = 20;

/** The E-model (G.107) for a wide line with nothing wrong but delay (milliseconds) and loss (0 to 1). */
export function meanOpinion(delay: number, loss: number): number {
  const delayImpairment = 0.024 * delay + (delay > 177.3 ? 0.11 * (delay - 177.3) : 0);
  const lossImpairment = (95 * loss * 100) / (loss * 100 + ROBUSTNESS);
  const rating = Math.min(100, Math.max(0, 93.2 - delayImpairment - lossImpairment));
  const mos = 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6;
  return Math.round(Math.max(1, mos) * 100) / 100;
}

function direction(packets: number, loss: number | undefined, jitter: number | undefined, bytes: number, level: number | undefined): DirectionQuality {
  return {
    packets,
    bitrate: Math.round(Math.max(0, bytes) * 0.008 * 10) / 10,
    ...(loss !== undefined && { loss }),
    ...(jitter !== undefined && { jitter: jitter * 1000 }),
    ...(level !== undefined && { level }),
  };
}

function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}

function number(entry: Entry | undefined, name: string): number | undefined {
  const value = entry?.[name];
  return typeof value === "number" ? value : undefined;
}
