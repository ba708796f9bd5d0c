// A level gauge: port 2 carries millimetres (big endian) and a battery in 20 mV; port 9 says what is wrong.
function decodeUplink(input) {
  var bytes = input.bytes;
  if (input.fPort !== 2) {
    return { errors: ["unknown FPort"] };
  }
  return {
    data: {
      level: ((bytes[0] << 8) | bytes[1]) / 1000,
      battery: bytes[2] / 50,
      at: input.recvTime,
    },
    warnings: bytes[2] < 125 ? ["battery low"] : [],
  };
}
