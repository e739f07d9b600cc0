// The service's API. A failure is one of: "offline" (no answer), "down" (5xx), "refused" (it said no, and why).

const TIMEOUT_MS = 12_000;

export class Failure extends Error {
  constructor(kind, status = 0, body = {}) {
    super(body.message ?? kind);
    this.kind = kind;
    this.status = status;
    this.body = body;
  }
}

export function createDesk(base, language, fetcher = (...request) => fetch(...request)) {
  const query = `?lang=${encodeURIComponent(language)}`;

  async function ask(path, value, { key = "", keepalive = false } = {}) {
    const headers = value === undefined ? {} : { "Content-Type": "application/json" };
    if (key) headers["Idempotency-Key"] = key;
    let answer;
    try {
      answer = await fetcher(`${base}/${path}${query}`, {
        method: value === undefined ? "GET" : "POST",
        headers,
        body: value === undefined ? undefined : JSON.stringify(value),
        signal: AbortSignal.timeout(TIMEOUT_MS),
        credentials: "omit",
        keepalive,
      });
    } catch {
      throw new Failure("offline");
    }
    const body = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
    if (answer.ok) return body;
    throw new Failure(answer.status >= 500 || !body.code ? "down" : "refused", answer.status, body);
  }

  return {
    form: () => ask("form"),
    suggest: async (text, limit) => {
      const { suggestions } = await ask("suggest", { language, text, limit });
      // Addresses are those of the help centre, wherever the form is shown.
      return suggestions.map((one) => ({ ...one, url: new URL(one.url, new URL(base, location.href)).href }));
    },
    file: (ticket, key) => ask("tickets", ticket, { key }),
    status: (link) => ask("tickets/status", { ...link, language }),
    reply: (link, message, key) => ask("tickets/reply", { ...link, language, message }, { key }),
    close: (link, key) => ask("tickets/close", { ...link, language }, { key }),
    reopen: (link, key) => ask("tickets/reopen", { ...link, language }, { key }),
    // Told on the way: whether it arrives is nothing the customer has to care about.
    tell: (event) => ask("events", { language, ...event }, { keepalive: true }).catch(() => {}),
  };
}
