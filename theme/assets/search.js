// Answers while somebody types: a combobox after the pattern of WAI-ARIA in the header and on the home page, and the page of
// results. The engine and the index are loaded when a search box gets the focus, not before.

const LIMIT = 6;
const PAGE_LIMIT = 20;
const ANNOUNCE_MS = 700;
const TEXT_LIMIT = 500;
/** Who searches has asked for a list: it may be less sure than what is suggested unasked, from the index's threshold on. */
const SURE_SHARE = 0.6;
/** What is this much less likely than the first answer is left out. */
const LEAST_SHARE = 0.4;

const config = document.getElementById("kb-search").dataset;
const words = JSON.parse(document.getElementById("kb-search").textContent);
const root = new URL(config.root, location.href);
const own = new URL(`${config.language}/`, root);
const plural = new Intl.PluralRules(config.language);
const languageNames = new Intl.DisplayNames([config.language], { type: "language" });

let loading = null;

/** The engine's client; a failed load is tried again at the next key. */
function engine() {
  loading ??= import(new URL("client.js", new URL(config.modules, location.href)))
    .then(async ({ Search }) => {
      const client = new Search(new URL(config.manifest, location.href).href);
      await client.open();
      return client;
    })
    .catch((error) => {
      loading = null;
      throw error;
    });
  return loading;
}

/** Shows the answer to a question, and a better one that may follow; none where a newer question was asked meanwhile. */
async function ask(text, options, show) {
  const client = await engine();
  const sorted = ({ results, shown }) => {
    const least = Math.max(SURE_SHARE * client.threshold, LEAST_SHARE * (results[0]?.score ?? 0));
    show({ results, shown, sure: results.filter((result) => result.score >= least) });
  };
  const answer = await client.query(text, { ...options, onMore: sorted });
  if (answer) sorted(answer);
}

/** An interface text with its fields filled in. */
function say(key, fields = {}) {
  let text = words[key];
  if (typeof text !== "string") text = text[plural.select(fields.n)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (whole, name) => fields[name] ?? whole);
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function addressOf({ language, url, passage }) {
  const address = new URL(url, new URL(`${language}/`, root));
  if (passage?.anchor) address.hash = passage.anchor;
  return address.href;
}

/** The category's name as the navigation has it. */
function categoryName(id) {
  const address = id && new URL(`${id}/`, own).href;
  return [...document.querySelectorAll("#kb-nav a")].find((link) => link.href === address)?.textContent ?? "";
}

/** What is special about a result: in another language, or nobody has read it. */
function label({ language, origin }) {
  if (language !== config.language) return say("search_in_language", { language: languageNames.of(language) });
  return { machine: words.language_machine, fallback: words.language_missing }[origin] ?? "";
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

function content(result) {
  const meta = [categoryName(result.category), label(result)].filter(Boolean);
  const tongue = { dir: "auto", ...(result.origin === "fallback" ? {} : { lang: result.language }) };
  return [
    element("span", { class: "kb-hit__title", ...tongue }, result.title),
    ...(result.passage?.text ? [element("span", { class: "kb-hit__text", ...tongue }, ...marked(result.passage))] : []),
    ...(meta.length ? [element("span", { class: "kb-hit__meta" }, meta.join(" · "))] : []),
  ];
}

/**
 * Calls `act` with the box's text at each key; while an answer is being made, only the latest text waits. So the first
 * answer comes without delay, and a slow device is never behind by more than one.
 */
function whileTyping(input, act) {
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
function announcer(box) {
  const live = element("p", { class: "kb-hidden", role: "status" });
  box.append(live);
  let timer = 0;
  return (text) => {
    clearTimeout(timer);
    timer = setTimeout(() => { live.textContent = text; }, ANNOUNCE_MS);
  };
}

function clearButton(form, input) {
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

/** Makes a combobox of a search box. */
function combobox(form) {
  const input = form.querySelector("input");
  const list = element("div", { role: "listbox", id: `${input.id}-list`, "aria-label": words.search_title });
  const note = element("p", { class: "kb-popup__note" });
  const popup = element("div", { class: "kb-popup" }, note, list);
  popup.hidden = true;
  const announce = announcer(form);
  form.append(popup);
  // A search field may not be a combobox; a text field may.
  input.type = "text";
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", list.id], ["aria-haspopup", "listbox"]])
    input.setAttribute(name, value);
  clearButton(form, input);

  const options = () => [...list.children];
  let active = -1;

  function open() {
    popup.hidden = false;
    input.setAttribute("aria-expanded", String(list.childElementCount > 0));
  }

  function close() {
    popup.hidden = true;
    input.setAttribute("aria-expanded", "false");
    choose(-1);
  }

  function choose(number) {
    active = number;
    options().forEach((option, i) => option.setAttribute("aria-selected", String(i === number)));
    const option = options()[number];
    if (option) {
      input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  }

  function show(text, { results, sure, shown }) {
    const found = sure.length ? sure : results.slice(0, 3);
    const hits = found.map((result, i) =>
      element("a", { role: "option", id: `${list.id}-${i}`, class: "kb-hit", href: addressOf(result), tabindex: "-1", "aria-selected": "false" }, ...content(result)));
    const all = new URL(form.action);
    all.searchParams.set("q", text);
    if (hits.length)
      hits.push(element("a", { role: "option", id: `${list.id}-all`, class: "kb-popup__all", href: all.href, tabindex: "-1", "aria-selected": "false" }, words.search_see_all));
    list.replaceChildren(...hits);
    tell(sure.length ? (shown ? say("search_corrected", { query: shown }) : "") : say("search_none", { query: text }), sure.length);
  }

  function tell(text, count) {
    note.textContent = text;
    note.hidden = !text;
    choose(-1);
    open();
    announce([text, count ? say("search_results", { n: count }) : ""].filter(Boolean).join(". "));
  }

  const wanted = () => document.activeElement === input && input.value.trim() !== "";

  async function search(text) {
    if (!text) {
      list.replaceChildren();
      announce("");
      return close();
    }
    try {
      await ask(text, { limit: LIMIT, typing: true }, (answer) => wanted() && show(text, answer));
    } catch {
      list.replaceChildren();
      if (wanted()) tell(words.search_failed, 0);
    }
  }

  whileTyping(input, search);
  input.addEventListener("focus", () => {
    engine().catch(() => {}); // Said at the first key, when it matters.
    if (input.value.trim()) search(input.value.trim());
  });
  input.addEventListener("blur", close);
  popup.addEventListener("pointerdown", (event) => event.preventDefault());
  popup.addEventListener("mousedown", (event) => event.preventDefault());
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const count = list.childElementCount;
    if (event.key === "Escape") {
      if (!popup.hidden) close();
      else if (input.value) {
        input.value = "";
        input.dispatchEvent(new InputEvent("input"));
      } else return;
    } else if (event.key === "Enter") {
      if (active < 0 || popup.hidden) return;
      options()[active].click();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && count) {
      if (popup.hidden) open();
      if (event.altKey) return;
      const step = event.key === "ArrowDown" ? 1 : -1;
      // One place beyond both ends is the text itself.
      choose(((active + 1 + step + count + 1) % (count + 1)) - 1);
    } else return;
    event.preventDefault();
  });
}

/** The page of results, which has its own address. */
function resultsPage(form, place) {
  const input = form.querySelector("input");
  const heading = document.querySelector(".kb-title");
  const title = heading.textContent;
  const contact = document.querySelector(".kb-ask a");
  const contactAddress = contact.href;
  const announce = announcer(form);
  let category = "";
  input.setAttribute("type", "search");
  clearButton(form, input);

  function remember(text) {
    const address = new URL(location.href);
    text ? address.searchParams.set("q", text) : address.searchParams.delete("q");
    category ? address.searchParams.set("in", category) : address.searchParams.delete("in");
    history.replaceState(null, "", address);
    // What somebody typed is not typed again in the form.
    const ask = new URL(contactAddress);
    if (text && ask.origin === location.origin) ask.searchParams.set("text", text);
    contact.href = ask.href;
  }

  function filters(text, results) {
    const counts = new Map();
    for (const result of results) counts.set(result.category, (counts.get(result.category) ?? 0) + 1);
    if (counts.size < 2 && !category) return [];
    const chip = (id, name) => {
      const button = element("button", { type: "button", class: "kb-chip", "aria-pressed": String(id === category) }, name);
      button.addEventListener("click", async () => {
        category = id;
        await search(text);
        place.querySelector('.kb-chip[aria-pressed="true"]')?.focus();
      });
      return button;
    };
    const named = [...counts.keys()].filter(categoryName);
    return [element("div", { class: "kb-chips", role: "group", "aria-label": words.categories },
      chip("", words.search_all_categories), ...named.map((id) => chip(id, categoryName(id))))];
  }

  function hits(results) {
    return element("ol", { class: "kb-hits" }, ...results.map((result) =>
      element("li", {}, element("a", { class: "kb-hit", href: addressOf(result) }, ...content(result)))));
  }

  function show(text, all) {
    const within = ({ category: id }) => !category || id === category;
    const sure = all.sure.filter(within);
    const summary = sure.length ? say("search_results", { n: sure.length }) : say("search_none", { query: text });
    const parts = [element("p", { class: "kb-results__count" }, summary)];
    if (all.shown && all.sure.length) parts.push(element("p", { class: "kb-results__note" }, say("search_corrected", { query: all.shown })));
    if (all.sure.length) parts.push(...filters(text, all.sure));
    if (sure.length) parts.push(hits(sure));
    else {
      parts.push(element("p", {}, words.search_none_hint));
      if (all.results.length) parts.push(element("h2", { class: "kb-section__title" }, words.search_nearest), hits(all.results.slice(0, 4)));
    }
    document.documentElement.classList.toggle("kb-asked", sure.length > 0);
    place.replaceChildren(...parts);
    announce(summary);
  }

  async function search(text) {
    remember(text);
    heading.textContent = text ? say("search_results_for", { query: text }) : title;
    if (!text) {
      document.documentElement.classList.remove("kb-asked");
      return place.replaceChildren();
    }
    try {
      await ask(text, { limit: PAGE_LIMIT }, (answer) => input.value.trim() === text && show(text, answer));
    } catch {
      document.documentElement.classList.remove("kb-asked");
      place.replaceChildren(element("p", { role: "alert" }, words.search_failed));
    }
  }

  whileTyping(input, (text) => {
    category = "";
    return search(text);
  });
  input.addEventListener("focus", () => engine().catch(() => {}));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    search(input.value.trim());
  });
  const asked = new URLSearchParams(location.search);
  const text = (asked.get("q") ?? "").slice(0, TEXT_LIMIT);
  if (!text.trim()) return;
  input.value = text;
  form.querySelector(".kb-search__clear").hidden = false;
  category = asked.get("in") ?? "";
  place.replaceChildren(element("p", {}, words.search_loading));
  search(text.trim());
}

const place = document.getElementById("kb-results");
for (const form of document.querySelectorAll(".kb-search")) {
  if (place) resultsPage(form, place);
  else combobox(form);
}
