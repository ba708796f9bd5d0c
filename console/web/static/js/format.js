// Numbers, times and spans as people of the chosen language and the city's time zone write them. Pure but for that choice.

import { has, lang, t } from "./i18n.js";

let zone = "UTC";
const made = new Map();

/** Set the city's time zone; every label from then on is by its clock. */
export function setZone(name) {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    zone = name;
  } catch {
    zone = "UTC"; // a zone that this browser does not know: labels say UTC
  }
  made.clear();
}

/** Return the city's time zone. */
export function cityZone() {
  return zone;
}

function cached(kind, make) {
  const key = `${lang()} ${kind}`;
  let found = made.get(key);
  if (!found) {
    found = make();
    made.set(key, found);
  }
  return found;
}

const SHAPES = {
  clock: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
  time: { hour: "2-digit", minute: "2-digit" },
  day: { weekday: "short", day: "numeric", month: "short" },
  longDay: { weekday: "long", day: "numeric", month: "long", year: "numeric" },
  dayTime: { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
  full: { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" },
  exact: { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" },
  date: { year: "numeric", month: "short", day: "numeric" },
  month: { year: "numeric", month: "short" },
  zoneName: { timeZoneName: "short", hour: "2-digit" },
};

/** Return an instant by the city's clock. Instants are milliseconds or RFC 3339 texts; shapes are the keys of SHAPES. */
export function when(value, shape = "full") {
  const ms = instantOf(value);
  if (ms === null) return "–";
  const make = () => new Intl.DateTimeFormat(lang() === "ko" ? "ko-KR" : "en-GB", {
    timeZone: zone, hourCycle: "h23", ...SHAPES[shape],
  });
  return cached(`when ${shape}`, make).format(ms);
}

/** Return milliseconds of an instant given as RFC 3339 text or as milliseconds; null where there is none. */
export function instantOf(value) {
  if (value === null || value === undefined || value === "") return null;
  const ms = typeof value === "number" ? value : Date.parse(value);
  return Number.isFinite(ms) ? ms : null;
}

/** Return the zone's short name as it is at an instant, e.g. `GMT`, `GMT+9`. */
export function zoneName(ms) {
  const make = () => new Intl.DateTimeFormat(lang() === "ko" ? "ko-KR" : "en-GB", { timeZone: zone, ...SHAPES.zoneName });
  return cached("zone", make).formatToParts(ms).find((part) => part.type === "timeZoneName")?.value ?? zone;
}

/**
 * Return a decimal text for people: grouped, as many digits as it has, or at most `digits` after the point. Exact
 * decimals are not made floats on the way where nothing is cut.
 */
export function decimal(text, digits) {
  if (text === null || text === undefined || text === "") return "–";
  const whole = String(text);
  const places = /\.(\d+)/.exec(whole)?.[1].length ?? 0;
  const shown = digits === undefined ? places : Math.min(places, digits);
  const make = () => new Intl.NumberFormat(lang(), { minimumFractionDigits: shown, maximumFractionDigits: shown });
  return cached(`decimal ${shown}`, make).format(/^-?\d+(\.\d+)?$/.test(whole) ? whole : Number(whole));
}

/** Return a decimal text in about `digits` significant digits, for large type; what stands behind it is not changed. */
export function brief(text, digits = 4) {
  if (text === null || text === undefined || text === "") return "–";
  const number = Number(text);
  const before = Math.max(1, Math.floor(Math.log10(Math.max(1, Math.abs(number)))) + 1);
  if (before > 6) {
    const make = () => new Intl.NumberFormat(lang(), { notation: "compact", maximumSignificantDigits: digits });
    return cached(`compact ${digits}`, make).format(number);
  }
  return decimal(text, Math.max(0, digits - before));
}

/** Return a decimal text with so many significant digits and no zeros behind them, for tables of unlike magnitudes. */
export function significant(text, digits = 5) {
  if (text === null || text === undefined || text === "") return "–";
  const make = () => new Intl.NumberFormat(lang(), { maximumSignificantDigits: digits });
  return cached(`significant ${digits}`, make).format(Number(text));
}

/** Return an integer with groups. */
export function integer(value) {
  if (value === null || value === undefined) return "–";
  return cached("integer", () => new Intl.NumberFormat(lang(), { maximumFractionDigits: 0 })).format(value);
}

/** Return a share of 0 to 1 as percent, rounded down: what is not complete never reads 100 %. */
export function percent(share) {
  if (share === null || share === undefined) return "–";
  return `${Math.floor(share * 100 + 1e-9)}%`;
}

/** Return a span of seconds in one unit: `8 s`, `12 min`, `3 h`, `41 d`. */
export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [value, unit] =
    whole < 100 ? [whole, "second"]
    : whole < 100 * 60 ? [Math.floor(whole / 60), "minute"]
    : whole < 100 * 3600 ? [Math.floor(whole / 3600), "hour"]
    : [Math.floor(whole / 86400), "day"];
  const make = () => new Intl.NumberFormat(lang(), { style: "unit", unit, unitDisplay: "short" });
  return cached(`span ${unit}`, make).format(value);
}

/** Return how long ago something was. */
export function ago(seconds) {
  return seconds < 1 ? t("now") : t("ago", { span: span(seconds) });
}

/** Return bytes as people write them. */
export function bytes(count) {
  const make = () => new Intl.NumberFormat(lang(), { style: "unit", unit: "byte", unitDisplay: "long" });
  return cached("bytes", make).format(count);
}

const UNITS = {
  1: "", "ug/m3": "µg/m³", "mg/m3": "mg/m³", m3: "m³", "m3/h": "m³/h", Cel: "°C", deg: "°", "kW.h": "kWh", "W.h": "Wh",
  "kW.h/h": "kWh/h", "dB[SPL]": "dB", "dB[A]": "dB(A)", "[ppm]": "ppm", "[ppb]": "ppb", "[pH]": "pH",
};

/** Return a symbol, or a UCUM code where no symbol came with it, as people write it. */
export function unitText(code) {
  if (!code) return "";
  const text = UNITS[code] ?? code.replace(/[{}[\]]/g, "");
  return has(`unit.${text}`) ? t(`unit.${text}`) : text;
}
