// Talkpool OY1210, port 2: temperature and humidity have 12 bits each, whose lower four share the third byte.
"use strict";

function decodeUplink({ bytes, fPort }) {
  if (fPort !== 2 || bytes.length !== 5) {
    return { errors: [`expected 5 bytes on port 2, got ${bytes.length} on port ${fPort}`] };
  }
  const temperature = (bytes[0] << 4) | (bytes[2] >> 4);
  const humidity = (bytes[1] << 4) | (bytes[2] & 15);
  return {
    data: { temperature: (temperature - 800) / 10, humidity: (humidity - 250) / 10, co2: (bytes[3] << 8) | bytes[4] },
  };
}
