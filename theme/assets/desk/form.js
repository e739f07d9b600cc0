// The contact form: suggestions while writing, a draft that is never lost, one click to file.

import { createDesk, Failure } from "./client.js";
import { createDraft } from "./draft.js";
import { prove } from "./proof.js";
import { createSuggestions } from "./suggestions.js";
import { element, randomKey, readWords } from "./words.js";

const KEPT = ["subject", "message", "email", "name", "order", "category"];

// Where there is no desk: nobody to tell, nothing to ask.
const NOBODY = { tell: () => {}, form: async () => ({ token: "" }), suggest: async () => [] };

// Windows hands longer addresses to no mail program.
const MAIL_LINK_MOST = 2_000;

export function mountForm(form, { search, desk, storage = localStorage } = {}) {
  const words = readWords(form);
  const { language, kind = "desk", api, email, build } = form.dataset;
  const service = desk ?? (api ? createDesk(api, language) : NOBODY);
  const draft = createDraft(storage);
  const status = form.querySelector("[data-kb-status]");
  const after = form.parentElement.querySelector("[data-kb-after]");
  const kept = draft.read() ?? {};
  const session = kept.session ?? randomKey();
  let attempt = kept.attempt ?? null;
  let token = form.elements.token?.value ?? "";
  let commit = form.dataset.commit ?? "";
  let guessed = false;

  form.noValidate = true;
  form.querySelector("[data-kb-without-script]")?.remove();
  // What a mail calls its text, where without scripts the form becomes one.
  if (form.elements.body) form.elements.body.name = "message";
  const suggestions = createSuggestions(form.querySelector("[data-kb-suggestions]"), {
    search: search ?? service,
    words,
    language,
    tell: (event) => service.tell({ session, ...event }),
    onSolved: solved,
    onBack: () => form.elements.message.focus(),
  });

  restore();
  form.addEventListener("input", changed);
  form.addEventListener("submit", submitted);
  form.addEventListener("focusin", prepare, { once: true });

  function restore() {
    let found = false;
    for (const name of KEPT) {
      const field = form.elements[name];
      if (field && kept[name] && !field.value) {
        field.value = kept[name];
        found ||= name === "subject" || name === "message";
      }
    }
    if (found) say(words(kept.sent ? "draft_sent" : "draft_restored"), discarding());
    if (!question()) return;
    // On a slow network somebody has begun to write before this script came.
    if (!found) save();
    suggestions.typed(question());
  }

  function discarding() {
    return element("button", { type: "button", class: "kb-desk-link", onclick: discard }, words("discard_draft"));
  }

  function discard() {
    draft.clear();
    for (const name of KEPT) if (form.elements[name]) form.elements[name].value = "";
    say("");
    suggestions.clear();
    form.elements.subject.focus();
  }

  // The form's age is measured from when somebody began, and the desk may ask for work that takes a second.
  async function prepare() {
    if (build) commit = await fetch(build).then((answer) => answer.json()).then((built) => built.commit).catch(() => "");
    try {
      token = token || (await service.form()).token;
    } catch {
      // Filing works without.
    }
  }

  function changed(event) {
    save();
    unmark(event.target);
    if (event.target.name === "category") guessed = true;
    if (["subject", "message"].includes(event.target.name)) suggestions.typed(question());
  }

  function submitted(event) {
    event.preventDefault();
    if (kind === "mail") compose();
    else send();
  }

  function question() {
    return [form.elements.subject.value, form.elements.message.value].filter(Boolean).join("\n").slice(0, 12_000);
  }

  function values() {
    return Object.fromEntries(KEPT.map((name) => [name, form.elements[name]?.value.trim() ?? ""]));
  }

  function save() {
    draft.save({ ...values(), session, attempt });
  }

  async function send() {
    const button = form.querySelector("[type=submit]");
    if (button.getAttribute("aria-disabled") === "true") return;
    const typed = values();
    if (!complete(typed)) return;
    if (!typed.category && !guessed && categoryExists(suggestions.category())) typed.category = suggestions.category();
    // The same text keeps its key however often it is sent; changed text is another request.
    const content = JSON.stringify(typed);
    if (attempt?.content !== content) attempt = { content, key: randomKey() };
    save();
    button.setAttribute("aria-disabled", "true");
    say(words("sending"));
    const ticket = {
      language, ...typed, session, token, commit: /^[0-9a-f]+$/.test(commit) ? commit : "",
      page: form.elements.page?.value || cameFrom(), website: form.elements.website?.value ?? "", shown: suggestions.seen(),
    };
    try {
      filed(kind === "desk" ? await file(ticket) : await pass(ticket), typed);
    } catch (failure) {
      if (failure.kind === "plain") submitPlainly(failure.fields);
      else failed(failure);
    } finally {
      button.removeAttribute("aria-disabled");
    }
  }

  async function file(ticket) {
    try {
      return await service.file(ticket, attempt.key);
    } catch (failure) {
      if (!failure.body?.proof) throw failure;
      say(words("proof_working"));
      return service.file({ ...ticket, proof: await prove(failure.body.proof) }, attempt.key);
    }
  }

  async function pass(ticket) {
    const { createElsewhere, plainFields } = await import("./elsewhere.js").catch(() => { throw new Failure("offline"); });
    try {
      return await createElsewhere(form.dataset).file({ ...ticket, whole: whole(ticket) }, attempt.key);
    } catch (failure) {
      failure.fields = plainFields(ticket, attempt.key);
      throw failure;
    }
  }

  // As without scripts; whether it arrives the page cannot know, so the draft stays until somebody discards it.
  function submitPlainly(fields) {
    for (const [name, value] of Object.entries(fields)) {
      const field = form.elements[name] ?? form.appendChild(element("input", { type: "hidden", name }));
      field.value = value;
    }
    draft.save({ ...values(), session, attempt, sent: true });
    form.submit();
  }

  function compose() {
    const typed = values();
    if (!complete(typed)) return;
    const { href, short } = mail();
    const copied = element("span");
    const copy = () => copyText().then(() => { copied.textContent = words("filed_copied"); }, () => {});
    if (short) copy();
    location.href = href;
    say(words(short ? "mail_paste" : "mail_opened"), words("write_to"), element("a", { href: `mailto:${email}` }, email),
      element("button", { type: "button", class: "kb-desk-link", onclick: copy }, words("copy_text")), copied, discarding());
  }

  // The page of the help centre from which somebody came to the form, or the shop's page that the form is on.
  function cameFrom() {
    const from = form.getRootNode() === document && document.referrer ? new URL(document.referrer) : location;
    return from.origin === location.origin ? from.pathname : location.pathname;
  }

  function complete(typed) {
    const missing = ["subject", "message", "email"].filter((name) => !typed[name]);
    for (const name of missing) mark(name, words("invalid_required"));
    if (!missing.includes("email") && !form.elements.email.checkValidity()) {
      mark("email", words("invalid_email"));
      missing.push("email");
    }
    if (!missing.length) return true;
    say(words("error_invalid"));
    form.elements[missing[0]].focus();
    return false;
  }

  function categoryExists(id) {
    return Array.from(form.elements.category?.options ?? []).some((option) => id && option.value === id);
  }

  function failed(failure) {
    if (failure.kind === "refused") {
      const own = Object.entries(failure.body.codes ?? {}).map(([name, key]) => [name, { message: words(key) }]);
      const fields = [...Object.entries(failure.body.fields ?? {}), ...own];
      for (const [name, { message }] of fields) mark(name, message);
      say(failure.body.message ?? words("error_invalid"));
      form.elements[fields[0]?.[0]]?.focus?.();
      return;
    }
    const { href, short } = mail();
    const address = email ? element("a", { href, onclick: () => short && copyText().catch(() => {}) }, email) : "";
    say(words(failure.kind === "offline" && !navigator.onLine ? "offline" : "service_down"),
      address && element("span", {}, ` ${words("write_to")} `, address));
  }

  // The text goes along to the mail program, so that nothing has to be typed twice; a long one over the clipboard.
  function mail() {
    const link = (body) => `mailto:${email}?subject=${encodeURIComponent(values().subject)}&body=${encodeURIComponent(body)}`;
    const href = link(whole(values()));
    const short = href.length > MAIL_LINK_MOST;
    return { href: short ? link(words("mail_paste_here")) : href, short };
  }

  const copyText = async () => navigator.clipboard.writeText(whole(values()));

  // The message with all that has no field of its own where it goes.
  function whole(typed) {
    const chosen = Array.from(form.elements.category?.options ?? []).find((option) => typed.category && option.value === typed.category);
    const facts = { name: typed.name, order: typed.order, category: chosen?.text, email: kind === "mail" ? typed.email : "" };
    const lines = Object.entries(facts).filter(([, value]) => value).map(([name, value]) => `${label(name)}: ${value}`);
    if (typed.page && typed.page !== location.pathname) lines.push(new URL(typed.page, location.href).href);
    return [typed.message, lines.join("\n")].filter(Boolean).join("\n\n");
  }

  function label(name) {
    return form.querySelector(`label[for="${form.elements[name].id}"]`).firstChild.textContent.trim();
  }

  function filed({ number, secret, expected }, typed) {
    draft.clear();
    const told = number && element("p", {}, `${words("filed_number")} `, element("strong", { class: "kb-desk-number", dir: "ltr" }, number));
    if (kind !== "desk") {
      const when = form.querySelector("[data-kb-expected]")?.textContent;
      finish(words("filed_title"), told, element("p", {}, words("filed_elsewhere", { email: typed.email })), when && element("p", {}, when));
      return;
    }
    const link = new URL(`${api}/status?lang=${encodeURIComponent(language)}#${number}.${secret}`, location.href).href;
    const copied = element("span", { role: "status" });
    const copy = () => navigator.clipboard?.writeText(link).then(() => { copied.textContent = ` ${words("filed_copied")}`; });
    finish(words("filed_title"),
      told,
      element("p", {}, expected),
      element("p", {}, words("filed_link")),
      element("p", { class: "kb-desk-code", dir: "ltr" }, element("a", { href: link }, link)),
      element("p", {}, element("button", { type: "button", class: "kb-desk-button", onclick: copy }, words("filed_copy")), copied));
  }

  function solved(suggestion) {
    draft.clear();
    finish(words("solved_title"), element("p", {}, words("solved_thanks")), element("p", {}, element("a", { href: suggestion.url }, suggestion.title)));
  }

  function finish(title, ...content) {
    const heading = element("h2", { tabindex: "-1" }, title);
    form.hidden = true;
    after.replaceChildren(heading, ...content.filter(Boolean));
    heading.focus();
  }

  function say(text, ...more) {
    status.replaceChildren(...[text, ...more].filter(Boolean).flatMap((part, i) => (i ? [" ", part] : [part])));
  }

  function mark(name, message) {
    const field = form.elements[name];
    if (!field?.id) return;
    unmark(field);
    const id = `${field.id}-problem`;
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", [id, field.getAttribute("aria-describedby")].filter(Boolean).join(" "));
    field.after(element("p", { class: "kb-desk-problem", id }, message));
  }

  function unmark(field) {
    const id = `${field.id}-problem`;
    field.parentElement.querySelector(`#${CSS.escape(id)}`)?.remove();
    field.removeAttribute("aria-invalid");
    const others = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((one) => one && one !== id);
    if (others.length) field.setAttribute("aria-describedby", others.join(" "));
    else field.removeAttribute("aria-describedby");
  }

  /** What was searched for in vain becomes the message, unless there is one; `failed` is an article that did not help. */
  function carry({ text, failed }) {
    if (failed) suggestions.failed(failed);
    const { message } = form.elements;
    if (!text || message.value) return;
    message.value = text.slice(0, message.maxLength);
    message.dispatchEvent(new Event("input", { bubbles: true }));
  }

  return { carry };
}
