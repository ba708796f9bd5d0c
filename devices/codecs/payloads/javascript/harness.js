// What stands around a vendor's decoder: finds its function, calls it as its network server would, and makes text of
// what it returns: "r" and JSON, or "e" and the fault in words. Run once before the decoder's own source.
(() => {
  "use strict";
  const { stringify } = JSON; // as it is now: a decoder may change the original
  const text = String;

  // In this order: a file for several networks has decodeUplink call the older ones.
  const CALLS = {
    decodeUplink: (decoder, bytes, fPort, time, variables) =>
      data(decoder({ bytes, fPort, recvTime: new Date(time), variables })),
    Decode: (decoder, bytes, fPort, time, variables) => decoder(fPort, bytes, variables),
    Decoder: (decoder, bytes, fPort) => decoder(bytes, fPort),
  };
  const NAMES = Object.keys(CALLS);

  let name, decoder, constants;

  const told = (error) => {
    try {
      return "e" + text(error).toWellFormed();
    } catch {
      return "ean error that cannot be told";
    }
  };

  // The data of { data, warnings, errors }, as The Things Stack and ChirpStack v4 understand it.
  const data = (answer) => {
    if (answer === null || typeof answer !== "object") throw `${name} returned ${answer === null ? null : typeof answer}`;
    const { errors } = answer;
    if (errors && errors.length !== 0) throw Array.isArray(errors) ? errors.map(text).join("; ") : errors;
    return answer.data;
  };

  const load = (source, variables) => {
    try {
      const own = NAMES.map((each) => `${each}: typeof ${each} === "function" ? ${each} : undefined`);
      // Sloppy, as network servers run them; a directive of its own stays the source's first statement.
      const found = new Function(`${source}\n;return { ${own} };`).call(globalThis);
      const exported = Object(globalThis.module).exports;
      const functions = NAMES.map((each) => found[each] ?? Object(exported)[each]);
      const place = functions.findIndex((each) => typeof each === "function");
      if (place < 0) throw `expected a function ${NAMES.join(", ")}`;
      name = NAMES[place];
      decoder = functions[place];
      constants = variables;
      return "r";
    } catch (error) {
      return told(error);
    }
  };

  const decode = (bytes, fPort, time) => {
    try {
      const answer = CALLS[name](decoder, bytes, fPort, time, constants);
      if (answer === null || typeof answer !== "object") throw `${name} gave no object of values`;
      const json = stringify(answer);
      if (json === undefined) throw `${name} gave no object of values`;
      return "r" + json;
    } catch (error) {
      return told(error);
    }
  };

  const quiet = () => {};
  globalThis.console = { log: quiet, info: quiet, debug: quiet, warn: quiet, error: quiet };
  globalThis.module = { exports: {} };
  globalThis.exports = globalThis.module.exports;
  // JSON has no BigInt; its decimal text is exact.
  BigInt.prototype.toJSON = function () {
    return this.toString();
  };
  Object.defineProperty(globalThis, "cityvitals", { value: Object.freeze({ load, decode }) });
  return "r";
})();
