// Where the form goes when there is no desk: a program of the shop's own, Zendesk, Zammad. Nothing here is secret, since a
// page cannot keep one; a failure has the same kinds as the desk's (client.js), and one more: "plain", by which the other
// side says that it takes only what a browser sends by itself.

import { Failure } from "./client.js";
import { search } from "./proof.js";

const TIMEOUT_MS = 20_000;

export function createElsewhere({ kind, address, settings }, fetcher = (...request) => fetch(...request)) {
  const files = { webhook, zendesk, zammad };

  async function ask(url, body, headers = {}) {
    let answer;
    try {
      answer = await fetcher(url, {
        method: body === undefined ? "GET" : "POST", headers, body, credentials: "omit", signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch {
      // Many systems refuse without the headers that would let a page of another site see that they did.
      throw new Failure("offline");
    }
    const found = await answer.json().catch(() => ({}));
    if (answer.ok) return found ?? {};
    throw new Failure(answer.status === 422 ? "refused" : "down", answer.status, found ?? {});
  }

  // Reachable, whether or not it lets us see its answer.
  async function reachable(url) {
    try {
      await fetcher(url, { method: "HEAD", mode: "no-cors", credentials: "omit", signal: AbortSignal.timeout(TIMEOUT_MS) });
      return true;
    } catch {
      return false;
    }
  }

  // The header makes the browser ask first: who does not expect pages of other sites has then received nothing yet.
  async function webhook(ticket, key) {
    try {
      const { number } = await ask(address, new URLSearchParams(plainFields(ticket, key)), { "Idempotency-Key": key });
      return { number: typeof number === "string" || typeof number === "number" ? String(number).slice(0, 64) : "" };
    } catch (failure) {
      if (failure.kind === "offline" && navigator.onLine && (await reachable(address))) throw new Failure("plain");
      throw failure.kind === "refused" ? new Failure("down", failure.status) : failure;
    }
  }

  // https://developer.zendesk.com/api-reference/ticketing/tickets/ticket-requests/#create-request
  async function zendesk(ticket) {
    const { fields = {}, form = 0, locale = 0 } = JSON.parse(settings || "{}");
    const request = {
      requester: { name: ticket.name || ticket.email, email: ticket.email, ...(locale && { locale_id: locale }) },
      subject: ticket.subject,
      comment: { body: ticket.whole },
      custom_fields: Object.entries(fields).filter(([name]) => ticket[name]).map(([name, id]) => ({ id, value: ticket[name] })),
      ...(form && { ticket_form_id: form }),
    };
    try {
      const made = await ask(`${address}/api/v2/requests.json`, JSON.stringify({ request }), { "Content-Type": "application/json" });
      // What Zendesk takes for spam waits there for a person, and has no number yet.
      if (!made.request?.id && !made.suspended_ticket) throw new Failure("down");
      return { number: String(made.request?.id ?? "") };
    } catch (failure) {
      const wrong = JSON.stringify(failure.body?.details ?? {});
      throw failure.kind === "refused" ? refused(/e-?mail/i.test(wrong) ? { email: "invalid_email" } : {}) : failure;
    }
  }

  // Simple requests, which need no leave, as Zammad's own form sends them.
  async function zammad(ticket) {
    const fingerprint = Array.from(crypto.getRandomValues(new Uint8Array(20)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    const { enabled, token, spam_protection: guard } = await ask(`${address}/api/v1/form_config`, new URLSearchParams({ fingerprint }));
    if (!enabled || !token) throw new Failure("down");
    const answer = await ask(`${address}/api/v1/form_submit`, new URLSearchParams({
      fingerprint, token, name: ticket.name || ticket.email, email: ticket.email, title: ticket.subject, body: ticket.whole,
      ...(guard?.captcha && await solved(guard.captcha)),
    }));
    if (answer.ticket?.number) return { number: String(answer.ticket.number) };
    const places = { name: "name", email: "email", title: "subject", body: "message" };
    const wrong = Object.entries(answer.errors ?? {}).filter(([name]) => places[name]);
    throw refused(Object.fromEntries(wrong.map(([name, why]) => [places[name], why === "required" ? "invalid_required" : `invalid_${places[name]}`])));
  }

  // ALTCHA is work for a browser, checked by Zammad itself. Other puzzles would load a stranger's script into the page.
  async function solved({ type, response_field: field }) {
    if (type !== "altcha") throw new Failure("down");
    const { algorithm, challenge, maxnumber, salt, signature } = await ask(`${address}/api/v1/form_captcha_challenge`);
    const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    const number = await search((n) => `${salt}${n}`, (digest) => hex(digest) === challenge, maxnumber + 1);
    if (number < 0) throw new Failure("down");
    return { [field]: btoa(JSON.stringify({ algorithm, challenge, number, salt, signature })) };
  }

  return { file: (ticket, key) => files[kind](ticket, key) };
}

// What a program of the shop's own receives; without scripts it is the same but for the last four.
export function plainFields(ticket, key) {
  const { subject, message, email, name, order, category, language, page, website, commit, shown, session } = ticket;
  return {
    subject, message, email, name, order, category, language, page, website, commit, session, key,
    shown: shown.map(({ article, unhelpful }) => (unhelpful ? `${article}!` : article)).join(" "),
  };
}

function refused(fields) {
  return Object.keys(fields).length ? new Failure("refused", 422, { codes: fields }) : new Failure("down", 422);
}
