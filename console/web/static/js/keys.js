// Keys that work everywhere, and the sheet that lists them. A key typed into a field is text and nothing else.

import { h, fill } from "./dom.js";
import { LANGUAGES, lang, setLanguage, t } from "./i18n.js";
import { switchTheme, switchWallMode, VIEWS } from "./shell.js";

const KEYS = {
  "1 – 6": "keys.views", "/": "keys.search", f: "keys.wall", t: "keys.theme", l: "keys.language", r: "keys.refresh",
  "?": "keys.help", Esc: "keys.escape", Tab: "keys.tab",
};

/** Listen to keys. */
export function listen({ refresh }) {
  const dialog = h("dialog", { "aria-labelledby": "keys-title", "data-testid": "help-sheet" });
  document.body.append(dialog);
  const help = () => {
    fill(dialog, h("h2", { id: "keys-title" }, t("keys.title")),
      h("dl", { class: "facts" }, Object.entries(KEYS).flatMap(([key, text]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, t(text))])),
      h("form", { method: "dialog", class: "row" }, h("button", { class: "primary", autofocus: true }, t("close"))));
    dialog.showModal();
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest?.("input, select, textarea, dialog, [contenteditable]")) return;
    const view = VIEWS[Number(event.key) - 1];
    if (view) location.hash = `#/${view}`;
    else if (event.key === "?") help();
    else if (event.key === "f") switchWallMode();
    else if (event.key === "t") switchTheme();
    else if (event.key === "l") setLanguage(Object.keys(LANGUAGES).find((code) => code !== lang()));
    else if (event.key === "r") refresh();
    else if (event.key === "/") search(event);
    else if (event.key === "Escape" && document.documentElement.hasAttribute("data-wall")) switchWallMode();
  });
  document.addEventListener("fullscreenchange", () => {
    // The browser's own way out of full screen leaves the wall's form as well.
    if (!document.fullscreenElement && document.documentElement.hasAttribute("data-wall")) switchWallMode();
  });
  return help;
}

function search(event) {
  const field = document.querySelector("main input[type=search]");
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
}
