// KLAX readers of electricity meters (SML), version 0 of the payload, port 3: four bytes of header, then parts that begin
// with their number. Part 1 has the last four values of two registers, the newest first.
"use strict";

const UNITS = [null, "Wh", "W", "V", "A", "Hz", "varh", "var", "VAh", "VA"];
const LENGTHS = { 1: 34, 2: 19, 3: 10 };

function registers(view, place) {
  const data = {};
  const mask = view.getUint8(place);
  const units = view.getUint8(place + 1);
  for (const number of [0, 1]) {
    const bits = mask >> (4 * number);
    const unit = UNITS[(units >> (4 * number)) & 15];
    const sure = (bits & 1) !== 0 && (bits & 8) !== 0;
    if (sure && unit) data[`filter_${(bits >> 1) & 3}_${unit}`] = view.getInt32(place + 2 + 16 * number);
  }
  return data;
}

function decodeUplink({ bytes, fPort }) {
  if (fPort !== 3 || bytes[0] !== 0) {
    return { errors: [`expected version 0 of an SML reader (0) on port 3, got ${bytes[0]} on port ${fPort}`] };
  }
  const view = new DataView(Uint8Array.from(bytes).buffer);
  const data = { battery: 10 * (bytes[1] & 15) };
  for (let place = 4; place < bytes.length; place += 1 + LENGTHS[bytes[place]]) {
    if (!(bytes[place] in LENGTHS)) {
      return { errors: [`unknown part ${bytes[place]} at byte ${place}`] };
    }
    if (bytes[place] === 1) Object.assign(data, registers(view, place + 1));
  }
  return { data };
}
