// The status page: opened by the link's fragment, which the browser sends to nobody.

import { createDesk } from "./client.js";
import { element, randomKey, readWords } from "./words.js";

const REFRESH_MS = 30_000;

export function mountStatus(root, { desk } = {}) {
  const words = readWords(root);
  const { api, language } = root.dataset;
  const service = desk ?? createDesk(api, language);
  const entry = root.querySelector("[data-kb-code-form]");
  const view = element("div", { class: "kb-desk-ticket" });
  const status = element("p", { class: "kb-desk-status", role: "status" });
  let link = null;
  let reply = "";
  root.append(view, status);

  entry.addEventListener("submit", (event) => {
    event.preventDefault();
    open(entry.elements.code.value);
  });
  window.addEventListener("hashchange", () => open(location.hash));
  document.addEventListener("visibilitychange", refresh);
  setInterval(refresh, REFRESH_MS);
  if (location.hash) open(location.hash);

  function open(code) {
    const [number, secret = ""] = code.trim().split("#").pop().split(".");
    link = { number, secret };
    return act(() => service.status(link), { focus: true });
  }

  // Only when nobody is writing: what is being typed must not be disturbed.
  function refresh() {
    if (link && document.visibilityState === "visible" && !view.contains(document.activeElement)) {
      service.status(link).then(show).catch(() => {});
    }
  }

  async function act(action, { focus = false } = {}) {
    status.textContent = words("sending");
    try {
      show(await action());
      status.textContent = "";
      if (focus) view.querySelector("h2").focus();
    } catch (failure) {
      status.textContent = failure.kind === "refused" ? failure.body.message : words(failure.kind === "offline" ? "offline" : "error_unavailable");
    }
  }

  function show(ticket) {
    entry.hidden = true;
    const closed = ticket.state === "closed";
    view.replaceChildren(
      element("h2", { tabindex: "-1", dir: "ltr" }, ticket.number),
      element("p", { class: `kb-desk-state kb-desk-state-${ticket.state}` }, words(`state_${ticket.state}`)),
      ticket.expected ? element("p", {}, ticket.expected) : "",
      said({ author: "customer", message: ticket.message, created: ticket.created, language: ticket.language }, ticket.subject),
      ...ticket.messages.map((message) => said(message)),
      form(),
      element("p", {}, element("button", { type: "button", class: "kb-desk-link", onclick: toggle(closed) }, words(closed ? "reopen" : "close"))),
    );
  }

  function said({ author, message, created, language: own, machine }, subject = "") {
    const who = words(author === "team" ? "team" : "you");
    const when = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(created));
    return element("article", { class: `kb-desk-message kb-desk-${author}` },
      subject ? element("h3", { dir: "auto" }, subject) : "",
      element("p", { class: "kb-desk-meta" }, `${who}, ${when}${machine ? ` · ${words("machine_translated")}` : ""}`),
      element("p", { class: "kb-desk-text", lang: own, dir: "auto" }, ...(author === "team" ? linked(message) : [message])));
  }

  function form() {
    const text = element("textarea", { id: "kb-reply", name: "message", rows: "5", maxlength: "10000", required: true });
    text.value = reply;
    text.addEventListener("input", () => { reply = text.value; });
    let attempt = null;
    const send = (event) => {
      event.preventDefault();
      const message = text.value.trim();
      if (!message) return;
      if (attempt?.message !== message) attempt = { message, key: randomKey() };
      act(async () => {
        const changed = await service.reply(link, message, attempt.key);
        reply = "";
        return changed;
      }, { focus: true });
    };
    return element("form", { class: "kb-desk-form", onsubmit: send },
      element("div", { class: "kb-desk-field" }, element("label", { for: text.id }, words("label_reply")), text),
      element("p", {}, element("button", { type: "submit", class: "kb-desk-button" }, words("reply"))));
  }

  function toggle(closed) {
    const key = randomKey();
    return () => act(() => (closed ? service.reopen(link, key) : service.close(link, key)), { focus: true });
  }
}

// What the team writes may lead somewhere: to an article, to a parcel's page. What customers write stays text.
function linked(text) {
  return text.split(/(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]])/u).map((part, i) =>
    (i % 2 ? element("a", { href: part, target: "_blank", rel: "noopener" }, part) : part));
}
