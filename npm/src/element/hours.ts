/** Office hours, as a page writes them down: `Mo-Fr 9:00-17:30; Sa 10:00-14:00` (of OpenStreetMap's opening hours). */

const DAYS = ["mo", "tu", "we", "th", "fr", "sa", "su"];

/** Is it within the hours? Without any, always; what cannot be read counts as open, for a closed shop by mistake is worse. */
export function isWithin(hours: string | null, timeZone?: string, now = new Date()): boolean {
  const rules = (hours ?? "").split(";").map(parse).filter((rule) => rule !== undefined);
  if (rules.length === 0) return true;
  const { day, minute } = local(now, timeZone);
  return rules.some(({ days, from, to }) => days.includes(day) && minute >= from && minute < to);
}

function parse(text: string): { days: number[]; from: number; to: number } | undefined {
  const [, first, last, from, to] = /^\s*([a-z]{2})(?:-([a-z]{2}))?\s+(\d{1,2}:\d\d)-(\d{1,2}:\d\d)\s*$/i.exec(text) ?? [];
  if (first === undefined || from === undefined || to === undefined) return undefined;
  const [start, end] = [dayOf(first), dayOf(last ?? first)];
  if (start < 0 || end < 0) return undefined;
  const days = Array.from({ length: ((end - start + 7) % 7) + 1 }, (_, index) => (start + index) % 7);
  return { days, from: minutes(from), to: minutes(to) };
}

function dayOf(name: string): number {
  return DAYS.indexOf(name.toLowerCase());
}

function minutes(time: string): number {
  const [hour = 0, minute = 0] = time.split(":").map(Number);
  return hour * 60 + minute;
}

/** Monday is 0. */
function local(now: Date, timeZone: string | undefined): { day: number; minute: number } {
  const parts = new Intl.DateTimeFormat("en", { weekday: "short", hour: "numeric", minute: "numeric", hourCycle: "h23", ...(timeZone && { timeZone }) }).formatToParts(now);
  const part = (type: string): string => parts.find((each) => each.type === type)?.value ?? "";
  return { day: DAYS.indexOf(part("weekday").slice(0, 2).toLowerCase()), minute: Number(part("hour")) * 60 + Number(part("minute")) };
}
