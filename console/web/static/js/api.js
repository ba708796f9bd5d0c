// Asks the server's API: paths and parameters in, JSON out, problems as errors that say what to do. Knows no view.

const ROOT = new URL("api/v1/", document.baseURI);
const ASK_MS_MAX = 20_000;

/** What went wrong with a request. `missing`: this server has no such part; `away`: nobody answered. */
export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `status ${status}`);
    this.name = "ApiError";
    this.status = status;
    this.title = problem.title ?? "";
    this.fields = problem.errors ?? [];
    this.kind = String(problem.type ?? "").split(":").pop();
  }

  get missing() {
    // A 404 that names a field is about something that does not exist, not about a part of the server.
    return (this.status === 404 && !this.fields.length) || this.status === 405 || this.status === 501;
  }

  get away() {
    return this.status === 0;
  }
}

/** Return the address of a path of the API, e.g. to follow as a link. */
export function address(path, params) {
  const url = new URL(path.split("/").map((one) => encodeURIComponent(decoded(one))).join("/"), ROOT);
  for (const [name, value] of Object.entries(params ?? {})) {
    if (value === null || value === undefined || value === "") continue;
    url.searchParams.set(name, Array.isArray(value) ? value.join(",") : String(value));
  }
  return url.href;
}

// Codes of KPIs hold spaces and slashes: whoever builds a path encodes those parts, and they are not encoded twice.
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * Return the JSON at a path. The browser's cache and the server's ETags make a repeated question cheap.
 *
 * Throws ApiError.
 */
export async function get(path, params, { signal } = {}) {
  return ask(address(path, params), { signal, headers: { Accept: "application/json" } });
}

/** Change something; returns the answer. Throws ApiError. */
export async function post(path, body) {
  return ask(address(path), {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body ?? {}),
  });
}

/** Take something back. Throws ApiError. */
export async function remove(path) {
  // Without a body it is this header that says that no page from elsewhere asks.
  return ask(address(path), { method: "DELETE", headers: { Accept: "application/json", "X-Cityvitals": "page" } });
}

/**
 * Return the items of a list, page after page, at most `most` of them; `more` says whether there were others.
 *
 * Throws ApiError.
 */
export async function list(path, params, { signal, most = 1000, page = 1000 } = {}) {
  const items = [];
  let cursor = null;
  do {
    const answer = await get(path, { ...params, limit: Math.min(page, most - items.length), cursor }, { signal });
    for (const item of itemsOf(answer)) items.push(item);
    cursor = answer.next ?? null;
  } while (cursor && items.length < most);
  return { items, more: Boolean(cursor) };
}

/** Return the items of an answer, which is a page or a plain list. */
export function itemsOf(answer) {
  return Array.isArray(answer) ? answer : (answer?.items ?? []);
}

async function ask(url, options) {
  const limit = AbortSignal.timeout(ASK_MS_MAX);
  const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
  let answer;
  try {
    answer = await fetch(url, { credentials: "same-origin", ...options, signal });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(0, { title: limit.aborted ? "no answer in time" : "no connection" });
  }
  if (answer.status === 204) return null;
  let body = null;
  try {
    body = await answer.json();
  } catch {
    // An answer that is no JSON says no more than its status.
  }
  if (!answer.ok) throw new ApiError(answer.status, body && typeof body === "object" ? body : {});
  return body;
}
