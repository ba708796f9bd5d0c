// Sets theme and language before the first paint, so that nothing flashes. Runs before every module; knows only the root.
"use strict";
(() => {
  const read = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage is forbidden: the defaults stand
    }
  };
  const root = document.documentElement;
  const chosen = read("cityvitals.theme");
  const light = chosen === "light" || (chosen !== "dark" && matchMedia("(prefers-color-scheme: light)").matches);
  root.dataset.theme = light ? "light" : "dark";
  const language = read("cityvitals.language") || (navigator.language.startsWith("ko") ? "ko" : "en");
  root.lang = language === "ko" ? "ko" : "en";
})();
