// Server-sent events by `fetch`: unlike EventSource it says where to go on after any failure, and hears the comments that
// tell a quiet server from a dead line. Knows the format and the connection; knows nothing of what is in an event.

const SILENT_MS_MAX = 40_000; // the server sends a comment every 15 s
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 15_000;
const EVENT_CHARS_MAX = 16_000_000;

/** Turns text as it comes into events. What is longer than EVENT_CHARS_MAX throws: it can be no event of ours. */
export class EventParser {
  constructor() {
    this.rest = "";
    this.clear();
  }

  clear() {
    this.type = "message";
    this.data = [];
  }

  /** Take a piece of text; returns the events that it completes, each `{type, data, id}`. */
  take(text) {
    const events = [];
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop();
    if (this.rest.length > EVENT_CHARS_MAX) throw new Error("an event is too long");
    for (const line of lines) {
      if (line === "") {
        if (this.data.length) events.push({ type: this.type, data: this.data.join("\n"), id: this.id });
        this.clear();
        continue;
      }
      const colon = line.indexOf(":");
      if (colon === 0) continue;
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "event") this.type = value;
      else if (field === "data") this.data.push(value);
      else if (field === "id" && !value.includes("\0")) this.id = value;
      else if (field === "retry" && /^\d+$/.test(value)) this.retryMs = Number(value);
    }
    return events;
  }
}

/**
 * A stream that keeps itself open. `on.event({type, data, id})`, `on.state(name, detail)` with `connecting`, `open`,
 * `closed` (will try again) or `missing` (the server has no such stream; tries again, rarely).
 */
export class Stream {
  constructor(url, on) {
    this.url = url;
    this.on = on;
    this.lastId = "";
    this.failures = 0;
    this.stopped = true;
    this.heardMs = 0;
    this.run = 0;
  }

  start() {
    if (!this.stopped) return;
    this.stopped = false;
    this.#open();
  }

  stop() {
    this.stopped = true;
    this.run += 1;
    clearTimeout(this.timer);
    clearTimeout(this.watch);
    this.abort?.abort();
  }

  /** Open again at once, e.g. after the machine slept or the network came back. */
  again() {
    if (this.stopped) return;
    this.stop();
    this.failures = 0;
    this.start();
  }

  async #open() {
    const run = ++this.run;
    const abort = new AbortController();
    this.abort = abort;
    this.on.state("connecting");
    this.#watch(run, abort);
    try {
      const headers = { Accept: "text/event-stream" };
      if (this.lastId) headers["Last-Event-ID"] = this.lastId;
      const answer = await fetch(this.url, { headers, signal: abort.signal, cache: "no-store", credentials: "same-origin" });
      if (run !== this.run) return;
      if (!answer.ok || !answer.body) {
        answer.body?.cancel().catch(() => {});
        this.#close(run, answer.status === 404 ? "missing" : "closed", await wait(answer), answer.status);
        return;
      }
      this.on.state("open");
      await this.#read(run, abort, answer.body.pipeThrough(new TextDecoderStream()).getReader());
      this.#close(run, "closed");
    } catch {
      this.#close(run, "closed");
    }
  }

  async #read(run, abort, reader) {
    const parser = new EventParser();
    for (;;) {
      const { value, done } = await reader.read();
      if (done || run !== this.run) return;
      this.heardMs = Date.now();
      this.failures = 0;
      this.#watch(run, abort);
      const events = parser.take(value);
      this.retryMs = parser.retryMs ?? this.retryMs;
      for (const event of events) {
        if (event.id !== undefined) this.lastId = event.id;
        this.on.event(event);
      }
    }
  }

  #watch(run, abort) {
    clearTimeout(this.watch);
    this.watch = setTimeout(() => {
      if (run === this.run) abort.abort();
    }, SILENT_MS_MAX);
  }

  #close(run, state, waitMs = 0, status = 0) {
    if (run !== this.run || this.stopped) return;
    clearTimeout(this.watch);
    this.failures += 1;
    this.on.state(state, { status });
    const most = Math.min(RETRY_MS_MAX, (this.retryMs ?? RETRY_MS_MIN) * 2 ** Math.min(this.failures - 1, 10));
    const after = state === "missing" ? RETRY_MS_MAX : Math.max(waitMs, most * (0.5 + Math.random() / 2));
    this.timer = setTimeout(() => this.#open(), after);
  }
}

async function wait(answer) {
  const seconds = Number(answer.headers.get("Retry-After"));
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0) * 1000, 60_000) : 0;
}
