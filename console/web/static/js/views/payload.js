// The bytes of a refused message as text that cannot deceive: what is no plain character is shown by its number.

const CHARS_MAX = 2_000;

/** Return bytes given as base64 as text; control, invisible and direction-changing characters and bytes that are no UTF-8 by number. */
export function printable(base64) {
  let bytes;
  try {
    bytes = Uint8Array.from(atob(base64.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
  } catch {
    return base64.slice(0, CHARS_MAX);
  }
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    text = null;
  }
  const shown = text === null
    ? [...bytes.slice(0, CHARS_MAX)].map((one) => (one >= 0x20 && one < 0x7f ? String.fromCharCode(one) : `\\x${one.toString(16).padStart(2, "0")}`)).join("")
    : [...text.slice(0, CHARS_MAX)].map(escaped).join("");
  return shown + ((text ?? bytes).length > CHARS_MAX ? "…" : "");
}

function escaped(char) {
  if (char === "\n") return char;
  return /[\p{C}\p{Zl}\p{Zp}]/u.test(char) ? `\\u{${char.codePointAt(0).toString(16)}}` : char;
}
