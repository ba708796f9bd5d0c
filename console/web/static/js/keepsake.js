// What the browser keeps between visits: a few choices by name. Without storage everything works and nothing is kept.

const PREFIX = "cityvitals.";

/** Return what was kept under a name, or the default. */
export function kept(name, otherwise = null) {
  try {
    return localStorage.getItem(PREFIX + name) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** Keep a choice; null forgets it. */
export function keep(name, value) {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    // Storage is full or forbidden: the choice holds until the page is left.
  }
}
