// uRADMonitor INDUSTRIAL, port 1: 50 bytes; PM1 is how much less than PM2.5 there is, and PM10 how much more.
"use strict";

const GASES = { 0x2a: "o3", 0x2c: "no2", 0x2b: "so2", 0x04: "co" };

function signed(sent, sign) {
  return sent & sign ? -(sent & (sign - 1)) : sent;
}

function decodeUplink({ bytes, fPort }) {
  if (fPort !== 1 || bytes.length !== 50) {
    return { errors: [`expected 50 bytes on port 1, got ${bytes.length} on port ${fPort}`] };
  }
  const view = new DataView(Uint8Array.from(bytes).buffer);
  const gases = [29, 33, 37, 41].map((at) => ({
    gas: GASES[bytes[at]] ?? `${bytes[at]}`,
    ppm: signed(view.getUint32(at) & 0xffffff, 0x800000) / 1000,
  }));
  const fine = view.getUint16(46);
  return {
    data: {
      temperature: signed(view.getUint16(20), 0x8000) / 100,
      pressure: view.getUint16(22) + 65535,
      humidity: bytes[24] / 2,
      sound_level: bytes[28] / 2,
      gases,
      pm1: fine - bytes[45],
      pm2_5: fine,
      pm10: fine + bytes[48],
    },
  };
}
