/** Office hours, as a page writes them down: `Mo-Fr 9:00-12:00,13-17:30; Sa 22:00-2:00` (of OpenStreetMap's opening hours). */

const DAYS = ["mo", "tu", "we", "th", "fr", "sa", "su"];
const DAY = 24 * 60;

/** The minutes of some days in which somebody answers; one that ends before it begins goes on after midnight. */
interface Rule {
  readonly days: readonly number[];
  readonly spans: readonly (readonly [from: number, to: number])[];
}

/** Is it within the hours? Without any, always; what cannot be read counts as open, for a closed shop by mistake is worse. */
export function isWithin(hours: string | null, timeZone?: string, now = new Date()): boolean {
  const rules = (hours ?? "").split(";").filter((text) => text.trim() !== "").map(parse);
  const time = local(now, timeZone);
  if (rules.length === 0 || !time) return true;
  return rules.some((rule) => !rule || isOpen(rule, time));
}

function isOpen({ days, spans }: Rule, { day, minute }: { day: number; minute: number }): boolean {
  const yesterday = (day + 6) % 7;
  return spans.some(([from, to]) => {
    const isToday = days.includes(day) && minute >= from && (minute < to || to < from);
    return isToday || (to < from && days.includes(yesterday) && minute < to);
  });
}

function parse(text: string): Rule | undefined {
  const [, first, last, times] = /^\s*([a-z]{2})(?:-([a-z]{2}))?\s+(\S.*)$/i.exec(text) ?? [];
  if (first === undefined || times === undefined) return undefined;
  const [start, end] = [dayOf(first), dayOf(last ?? first)];
  const spans = times.split(",").map(span).filter((each) => each !== undefined);
  if (start < 0 || end < 0 || spans.length < times.split(",").length) return undefined;
  return { days: Array.from({ length: ((end - start + 7) % 7) + 1 }, (_, index) => (start + index) % 7), spans };
}

function span(text: string): [number, number] | undefined {
  const [, from, to] = /^\s*(\d{1,2}(?::\d\d)?)\s*-\s*(\d{1,2}(?::\d\d)?)\s*$/.exec(text) ?? [];
  if (from === undefined || to === undefined) return undefined;
  const [begin, end] = [minutes(from), minutes(to)];
  return begin <= DAY && end <= DAY ? [begin, end] : undefined;
}

function dayOf(name: string): number {
  return DAYS.indexOf(name.toLowerCase());
}

function minutes(time: string): number {
  const [hour = 0, minute = 0] = time.split(":").map(Number);
  return hour * 60 + minute;
}

/** Monday is 0. Nothing where the time zone is none. */
function local(now: Date, timeZone: string | undefined): { day: number; minute: number } | undefined {
  try {
    const parts = new Intl.DateTimeFormat("en", { weekday: "short", hour: "numeric", minute: "numeric", hourCycle: "h23", ...(timeZone && { timeZone }) }).formatToParts(now);
    const part = (type: string): string => parts.find((each) => each.type === type)?.value ?? "";
    return { day: DAYS.indexOf(part("weekday").slice(0, 2).toLowerCase()), minute: Number(part("hour")) * 60 + Number(part("minute")) };
  } catch {
    return undefined;
  }
}
