// Netvox R718N3, port 6: reports of 11 bytes, of which later ones replace earlier ones. Report 1 has currents before
// their multiplier, report 3 has them with what they are multiplied by.
"use strict";

const TIMES = [1, 5, 10, 100];

function decodeUplink({ bytes, fPort }) {
  if (fPort !== 6 || bytes.length === 0 || bytes.length % 11 !== 0) {
    return { errors: [`expected reports of 11 bytes on port 6, got ${bytes.length} bytes on port ${fPort}`] };
  }
  const data = {};
  for (let at = 0; at < bytes.length; at += 11) {
    const report = bytes[at + 2];
    if (report > 0) {
      data.battery = (bytes[at + 3] & 127) / 10;
    }
    if (report === 1 || report === 3) {
      for (let line = 0; line < 3; line++) {
        const sent = (bytes[at + 4 + 2 * line] << 8) | bytes[at + 5 + 2 * line];
        data[`current_${line + 1}`] = report === 1 ? sent : sent * TIMES[(bytes[at + 10] >> (2 * line)) & 3];
      }
    }
  }
  return { data };
}
