// `Buffer` as ChirpStack gives it to decoders, as far as bytes are read with it: made of bytes or text, read as numbers and
// text. It stands only beside a decoder that names it.
(() => {
  "use strict";
  const Bytes = Uint8Array;
  const DIGITS = "0123456789abcdef";
  const hexAt = (text, at) => (/^[0-9a-f]{2}$/i.test(text.substr(at, 2)) ? parseInt(text.substr(at, 2), 16) : -1);

  const utf8 = (text) => unescape(encodeURIComponent(text.toWellFormed()));
  const latin1 = (bytes, mask) => Array.prototype.map.call(bytes, (byte) => String.fromCharCode(byte & mask)).join("");
  const fromLatin1 = (text) => Array.prototype.map.call(text, (_, at) => text.charCodeAt(at) & 255);

  const decodedUtf8 = (bytes) => {
    let text = "";
    for (let at = 0; at < bytes.length; ) {
      const first = bytes[at];
      const size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
      let whole;
      try {
        whole = size && decodeURIComponent(escape(latin1(bytes.subarray(at, at + size), 255)));
      } catch {
        whole = "";
      }
      text += whole || "\ufffd";
      at += whole ? size : 1;
    }
    return text;
  };

  const ENCODINGS = {
    hex: {
      from: (text) => {
        const bytes = [];
        for (let at = 0, byte; (byte = hexAt(text, at)) >= 0; at += 2) bytes.push(byte);
        return bytes;
      },
      text: (bytes) => Array.prototype.map.call(bytes, (byte) => DIGITS[byte >> 4] + DIGITS[byte & 15]).join(""),
    },
    base64: {
      from: (text) => {
        const letters = text.replace(/-/g, "+").replace(/_/g, "/").replace(/=[^]*$/, "").replace(/[^A-Za-z0-9+/]/g, "");
        return fromLatin1(atob(letters.length % 4 === 1 ? letters.slice(0, -1) : letters));
      },
      text: (bytes) => btoa(latin1(bytes, 255)),
    },
    utf8: { from: (text) => fromLatin1(utf8(text)), text: decodedUtf8 },
    latin1: { from: fromLatin1, text: (bytes) => latin1(bytes, 255) },
    ascii: { from: fromLatin1, text: (bytes) => latin1(bytes, 127) },
  };
  Object.assign(ENCODINGS, { "utf-8": ENCODINGS.utf8, binary: ENCODINGS.latin1 });
  const encoding = (name) => {
    const found = ENCODINGS[String(name ?? "utf8").toLowerCase()];
    if (!found) throw new TypeError(`Unknown encoding: ${name}`);
    return found;
  };

  const made = (bytes) => Object.setPrototypeOf(bytes, Buffer.prototype);

  function Buffer(from, name, size) {
    return typeof from === "number" ? Buffer.alloc(from) : Buffer.from(from, name, size);
  }
  Buffer.from = (from, name, size) => {
    if (typeof from === "string") return made(Bytes.from(encoding(name).from(from)));
    if (from instanceof ArrayBuffer) return made(new Bytes(from, name, size));
    if (from === null || typeof from !== "object") throw new TypeError("expected a string, an array or a buffer");
    return made(Bytes.from(from.type === "Buffer" && Array.isArray(from.data) ? from.data : from));
  };
  Buffer.alloc = (size, value, name) => {
    const buffer = made(new Bytes(size));
    return value === undefined ? buffer : buffer.fill(value, name);
  };
  Buffer.allocUnsafe = Buffer.allocUnsafeSlow = (size) => Buffer.alloc(size);
  Buffer.isBuffer = (value) => value instanceof Buffer;
  Buffer.isEncoding = (name) => Object.hasOwn(ENCODINGS, String(name).toLowerCase());
  Buffer.byteLength = (value, name) => (typeof value === "string" ? Buffer.from(value, name).length : value.byteLength);
  Buffer.concat = (list, size) => {
    const bytes = list.flatMap((each) => Array.from(each));
    return made(Bytes.from({ ...bytes, length: size ?? bytes.length }));
  };

  const view = (buffer) => new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  const checked = (buffer, at, size) => {
    if (!Number.isInteger(at)) throw new TypeError("the offset is no whole number");
    if (at < 0 || at + size > buffer.length) throw new RangeError("Attempt to access memory outside buffer bounds");
  };
  const methods = {
    toString(name, start = 0, end = this.length) {
      return encoding(name).text(this.subarray(start, end));
    },
    toJSON() {
      return { type: "Buffer", data: Array.from(this) };
    },
    slice(start, end) {
      return this.subarray(start, end);
    },
    equals(other) {
      return this.length === other.length && this.every((byte, at) => byte === other[at]);
    },
    copy(target, to = 0, start = 0, end = this.length) {
      const bytes = Bytes.prototype.slice.call(this, start, Math.min(end, start + target.length - to));
      target.set(bytes, to);
      return bytes.length;
    },
    fill(value, name) {
      if (typeof value !== "string") return Bytes.prototype.fill.call(this, value);
      const bytes = encoding(name).from(value);
      for (let at = 0; at < this.length; at += 1) this[at] = bytes.length ? bytes[at % bytes.length] : 0;
      return this;
    },
  };

  for (const order of ["LE", "BE"]) {
    const little = order === "LE";
    const numbers = [
      ["UInt16", 2], ["UInt32", 4], ["Int16", 2], ["Int32", 4], ["Float", 4], ["Double", 8], ["BigInt64", 8], ["BigUInt64", 8],
    ];
    for (const [name, size] of numbers) {
      const kind = { Float: "Float32", Double: "Float64" }[name] ?? name.replace("UInt", "Uint");
      methods[`read${name}${order}`] = function (at = 0) {
        checked(this, at, size);
        return view(this)[`get${kind}`](at, little);
      };
      methods[`write${name}${order}`] = function (value, at = 0) {
        checked(this, at, size);
        view(this)[`set${kind}`](at, value, little);
        return at + size;
      };
    }
    for (const signed of [false, true]) {
      methods[`read${signed ? "Int" : "UInt"}${order}`] = function (at, size) {
        if (!(size >= 1 && size <= 6)) throw new RangeError("a number has 1 to 6 bytes");
        checked(this, at, size);
        let value = 0;
        for (let place = 0; place < size; place += 1) value = value * 256 + this[little ? at + size - 1 - place : at + place];
        return signed && value >= 2 ** (8 * size - 1) ? value - 2 ** (8 * size) : value;
      };
    }
  }
  for (const [name, kind] of [["UInt8", "Uint8"], ["Int8", "Int8"]]) {
    methods[`read${name}`] = function (at = 0) {
      checked(this, at, 1);
      return view(this)[`get${kind}`](at);
    };
    methods[`write${name}`] = function (value, at = 0) {
      checked(this, at, 1);
      view(this)[`set${kind}`](at, value);
      return at + 1;
    };
  }
  for (const name of Object.keys(methods)) methods[name.replace("UInt", "Uint")] = methods[name];

  // What typed arrays make of one (`subarray`, `map`) is a Buffer too.
  Object.setPrototypeOf(Buffer, Bytes);
  Buffer.prototype = Object.create(Bytes.prototype, { constructor: { value: Buffer, writable: true, configurable: true } });
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(Buffer.prototype, name, { value, writable: true, configurable: true });
  }
  globalThis.Buffer = Buffer;
  return "r";
})();
