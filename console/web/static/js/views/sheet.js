// Adds a style sheet of a library when a view first needs it, before our own sheets: what those say counts.

/** Add a style sheet once; the address is relative to the page. */
export function sheet(href) {
  if (document.querySelector(`link[href="${href}"]`)) return;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = href;
  document.head.prepend(link);
}
