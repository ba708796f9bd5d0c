// The city's clock: instants as its wall reads them, and back. Knows the time zone only; nothing here asks for the time.

const parts = new Map();

function formatter(zone) {
  let found = parts.get(zone);
  if (!found) {
    found = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit",
      minute: "2-digit", second: "2-digit",
    });
    parts.set(zone, found);
  }
  return found;
}

/** Return year, month (1 to 12), day, hour, minute and second that the wall shows at an instant in milliseconds. */
export function wall(ms, zone) {
  const found = {};
  for (const { type, value } of formatter(zone).formatToParts(ms)) if (type !== "literal") found[type] = Number(value);
  return found;
}

/** Return how far the wall is ahead of UTC at an instant, in milliseconds. */
export function offset(ms, zone) {
  const w = wall(ms, zone);
  return Date.UTC(w.year, w.month - 1, w.day, w.hour, w.minute, w.second) - Math.floor(ms / 1000) * 1000;
}

/**
 * Return the instant at which the wall shows `2026-11-26T12:00`. Of an hour that comes twice the first; an hour that is
 * left out in spring lies behind the gap. NaN for anything that is no date and time.
 */
export function instant(text, zone) {
  const found = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text.trim());
  if (!found) return NaN;
  const [, year, month, day, hour = 0, minute = 0, second = 0] = found.map(Number);
  const plain = Date.UTC(year, month - 1, day, hour || 0, minute || 0, second || 0);
  const before = plain - offset(plain - 86_400_000, zone);
  const after = plain - offset(plain + 86_400_000, zone);
  for (const ms of [before, after].sort((a, b) => a - b)) if (ms + offset(ms, zone) === plain) return ms;
  return before;
}

/** Return `2026-11-26T12:00`, what a date and time control wants, of an instant. */
export function controlText(ms, zone) {
  const w = wall(ms, zone);
  const two = (number) => String(number).padStart(2, "0");
  return `${String(w.year).padStart(4, "0")}-${two(w.month)}-${two(w.day)}T${two(w.hour)}:${two(w.minute)}`;
}

/** Return the instant at which the wall's day begins that holds `ms`. */
export function dayStart(ms, zone) {
  return instant(controlText(ms, zone).slice(0, 10), zone);
}
