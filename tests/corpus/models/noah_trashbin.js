// Noah trash bin sensor, port 1: three numbers of 16 bits, the lower byte first; the first and the last are fractions
// of a sign, 4 bits of a power of two and 11 bits.
"use strict";

function fraction(sent) {
  return ((sent & 0x8000 ? -1 : 1) * (sent & 0x7ff) * 2 ** ((sent >> 11) & 15)) / 2 ** 26;
}

function decodeUplink({ bytes }) {
  if (bytes.length !== 6) {
    return { errors: [`expected 6 bytes, got ${bytes.length}`] };
  }
  const sent = [0, 2, 4].map((at) => bytes[at] | (bytes[at + 1] << 8));
  return { data: { temperature: fraction(sent[0]) * 100, battery: sent[1], level: fraction(sent[2]) * 100 } };
}
