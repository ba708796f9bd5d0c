// The page's language: texts by key, with places for values. Knows which languages there are; the texts are in i18n/.

import en from "./i18n/en.js";
import ko from "./i18n/ko.js";
import { keep, kept } from "./keepsake.js";

export const LANGUAGES = { en: "English", ko: "한국어" };
const TEXTS = { en, ko };

let language = document.documentElement.lang === "ko" ? "ko" : "en";
const listeners = new Set();

/** Return the language in use. */
export function lang() {
  return language;
}

/** Change the language, keep it for the next visit, and tell everybody. */
export function setLanguage(code) {
  if (!(code in TEXTS) || code === language) return;
  language = code;
  document.documentElement.lang = code;
  keep("language", code);
  for (const listener of listeners) listener();
}

/** Be told of a change of language; returns how to stop that. */
export function onLanguage(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Return the language that was kept, if any. */
export function keptLanguage() {
  return kept("language");
}

/** Return a text with `{name}` replaced. A key without a text shows itself: it is then seen at once. */
export function t(key, values) {
  const text = TEXTS[language][key] ?? en[key] ?? key;
  return values ? text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? String(values[name]) : all)) : text;
}

/** Return a text by number: `key.one` where there is one and the language tells it apart, else `key.other`. */
export function counted(key, number, values) {
  const form = new Intl.PluralRules(language).select(number);
  const chosen = `${key}.${form}` in en ? `${key}.${form}` : `${key}.other`;
  return t(chosen, { n: new Intl.NumberFormat(language).format(number), ...values });
}

/** Return whether there is a text for a key. */
export function has(key) {
  return key in en;
}

/** Return what a group of KPIs is called: of the standard's own ones there are names in every language. */
export function groupTitle(name) {
  return has(`group.${name}`) ? t(`group.${name}`) : name;
}

/** Return what an item is called in the language in use: `title_ko` or `name_ko` where it has one. */
export function titled(item, key = "title") {
  if (!item) return "";
  return (language === "ko" && item[`${key}_ko`]) || item[key] || item.code || "";
}
