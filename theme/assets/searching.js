// What every search box has, on the help centre's pages and in <kb-help> on other sites': the engine, the words around
// its answers, and how one answer looks.

const ANNOUNCE_MS = 700;
/** Who searches has asked for a list: it may be less sure than what is suggested unasked, from the index's threshold on. */
const SURE_SHARE = 0.6;
/** What is this much less likely than the first answer is left out. */
const LEAST_SHARE = 0.4;

/** What a page of the help centre says about its search, in theme/kb/searchwords.html; `page` may be another document. */
export function siteOf(page, address) {
  const script = page.getElementById("kb-search");
  const { language, root, manifest, modules, contact } = script.dataset;
  const at = (path) => new URL(path, address);
  const links = [...page.querySelectorAll("#kb-nav a")];
  const names = new Map(links.map((link) => [at(link.getAttribute("href")).href, link.textContent]));
  return new Site({
    language, root: at(root || "."), manifest: at(manifest), modules: at(modules), contact: contact ? at(contact) : null,
    words: JSON.parse(script.textContent), names,
  });
}

export class Site {
  #loading = null;

  constructor({ language, root, manifest, modules, contact, words, names }) {
    Object.assign(this, { language, root, manifest, modules, contact, words, names });
    this.plural = new Intl.PluralRules(language);
    this.languageNames = new Intl.DisplayNames([language], { type: "language" });
  }

  /** The engine's client, loaded at the first call; a failed load is tried again at the next. */
  engine() {
    this.#loading ??= import(new URL("client.js", this.modules))
      .then(async ({ Search }) => {
        const client = new Search(this.manifest.href);
        await client.open();
        return client;
      })
      .catch((error) => {
        this.#loading = null;
        throw error;
      });
    return this.#loading;
  }

  /** Shows the answer to a question, and a better one that may follow; none where a newer question was asked meanwhile. */
  async ask(text, options, show) {
    const client = await this.engine();
    const sorted = ({ results, shown, threshold }) => {
      const least = Math.max(SURE_SHARE * threshold, LEAST_SHARE * (results[0]?.score ?? 0));
      show({ results, shown, sure: results.filter((result) => result.score >= least) });
    };
    const answer = await client.query(text, { ...options, least: SURE_SHARE, onMore: sorted });
    if (answer) sorted(answer);
  }

  /** An interface text with its fields filled in. */
  say(key, fields = {}) {
    let text = this.words[key];
    if (typeof text !== "string") text = text[this.plural.select(fields.n)] ?? text.other;
    return text.replace(/\{(\w+)\}/g, (whole, name) => fields[name] ?? whole);
  }

  addressOf({ language, url, passage }) {
    const address = new URL(url, new URL(`${language}/`, this.root));
    if (passage?.anchor) address.hash = passage.anchor;
    return address.href;
  }

  /** Where to ask a person: what was typed is not typed again in the form. Null where nobody can be reached. */
  contactFor(text) {
    if (!this.contact || !text || this.contact.origin !== this.root.origin) return this.contact?.href ?? null;
    const address = new URL(this.contact);
    address.searchParams.set("text", text);
    return address.href;
  }

  /** The category's name as the navigation has it. */
  categoryName(id) {
    return (id && this.names.get(new URL(`${this.language}/${id}/`, this.root).href)) ?? "";
  }

  /** One answer: its title, the passage that answers, its category and what is special about it. */
  content(result) {
    const meta = [this.categoryName(result.category), this.#label(result)].filter(Boolean);
    const tongue = { dir: "auto", ...(result.origin === "fallback" ? {} : { lang: result.language }) };
    return [
      element("span", { class: "kb-hit__title", ...tongue }, result.title),
      ...(result.passage?.text ? [element("span", { class: "kb-hit__text", ...tongue }, ...marked(result.passage))] : []),
      ...(meta.length ? [element("span", { class: "kb-hit__meta" }, meta.join(" · "))] : []),
    ];
  }

  /** In another language, or nobody has read it. */
  #label({ language, origin }) {
    if (language !== this.language) return this.say("search_in_language", { language: this.languageNames.of(language) });
    return { machine: this.words.language_machine, fallback: this.words.language_missing }[origin] ?? "";
  }
}

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** The passage, its matched words marked; never as markup, since anybody may have written it. */
function marked({ text, marks = [] }) {
  const parts = [];
  let at = 0;
  for (const [start, end] of marks) {
    parts.push(text.slice(at, start), element("mark", {}, text.slice(start, end)));
    at = end;
  }
  return [...parts, text.slice(at)];
}

/**
 * Calls `act` with the box's text at each key; while an answer is being made, only the latest text waits. So the first
 * answer comes without delay, and a slow device is never behind by more than one.
 */
export function whileTyping(input, act) {
  let waiting = null;
  let busy = false;
  input.addEventListener("input", async (event) => {
    if (event.isComposing) return;
    waiting = input.value.trim();
    if (busy) return;
    busy = true;
    while (waiting !== null) {
      const text = waiting;
      waiting = null;
      await act(text);
    }
    busy = false;
  });
  input.addEventListener("compositionend", () => input.dispatchEvent(new InputEvent("input")));
}

/** Tells a screen reader the outcome once the keys rest; otherwise it would talk over every letter. */
export function announcer(box) {
  const live = element("p", { class: "kb-hidden", role: "status" });
  box.append(live);
  let timer = 0;
  return (text) => {
    clearTimeout(timer);
    timer = setTimeout(() => { live.textContent = text; }, ANNOUNCE_MS);
  };
}

export function clearButton(form, input, words) {
  const button = element("button", { type: "button", class: "kb-search__clear", "aria-label": words.search_clear, title: words.search_clear }, "×");
  button.hidden = !input.value;
  button.addEventListener("click", () => {
    input.value = "";
    input.dispatchEvent(new InputEvent("input"));
    input.focus();
  });
  input.addEventListener("input", () => { button.hidden = !input.value; });
  form.querySelector(".kb-search__field").append(button);
}
