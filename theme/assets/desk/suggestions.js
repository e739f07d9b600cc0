// Suggestions while somebody writes. They never flicker, never move what somebody is about to tap, and say politely
// that they are there.

import { openPanel } from "./panel.js";
import { element } from "./words.js";

export const LIMIT = 3;
const PAUSE_MS = 400;
const QUICK_MS = 150;
const WORDS_ENOUGH = 4;
const LETTERS_LEAST = 3;
const TOUCH_HOLD_MS = 700;
const SETTLED_MS = 1500;
// Writing without spaces: a few characters are a question already.
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;

export function createSuggestions(region, { search, words, language, tell, onSolved, onBack }) {
  const list = element("ul", { class: "kb-desk-list" });
  const heading = element("p", { class: "kb-desk-list-title", hidden: true }, words("suggestions_title"));
  const live = element("p", { class: "kb-desk-hidden", role: "status" });
  region.append(heading, list, live);
  const state = { shown: [], opened: new Set(), unhelpful: new Set(), asked: 0, text: "", waiting: null, held: false, reading: false };
  let timer = 0;
  let settled = 0;

  function typed(text) {
    clearTimeout(timer);
    const clean = text.trim();
    if (clean) region.classList.add("kb-desk-ready");
    if (clean.length < LETTERS_LEAST && !UNSPACED.test(clean)) {
      state.asked += 1;
      show([]);
      return;
    }
    const enough = clean.split(/\s+/u).length >= WORDS_ENOUGH;
    timer = setTimeout(() => ask(clean), enough ? QUICK_MS : PAUSE_MS);
  }

  async function ask(text) {
    if (text === state.text) return;
    state.text = text;
    const turn = ++state.asked;
    // An answer to what has been changed since is no answer.
    const answered = (found) => turn === state.asked && show(found.slice(0, LIMIT));
    try {
      answered(await search.suggest(text, LIMIT, answered));
    } catch {
      answered([]); // No index, no network: the form works without suggestions.
    }
  }

  function show(found) {
    // Where nothing is shown there is nothing somebody could be about to tap.
    const busy = state.held || state.reading || region.contains(region.getRootNode().activeElement);
    if (state.shown.length && busy) {
      state.waiting = found;
      return;
    }
    state.waiting = null;
    if (same(found, state.shown)) return;
    state.shown = found;
    heading.hidden = found.length === 0;
    list.replaceChildren(...found.map(item));
    live.textContent = found.length ? words("suggestions_count", { count: found.length }) : "";
    clearTimeout(settled);
    if (found.length) settled = setTimeout(() => tell({ kind: "suggested", text: state.text.slice(0, 2000), offers: offers() }), SETTLED_MS);
  }

  function item(suggestion) {
    const other = suggestion.language !== language;
    const button = element(
      "button",
      { type: "button", class: "kb-desk-suggestion", "aria-haspopup": "dialog", onclick: () => open(suggestion, button) },
      element("span", { class: "kb-desk-suggestion-title", lang: suggestion.language, dir: "auto" }, suggestion.title),
      other ? element("span", { class: "kb-desk-language" }, words("language_of_article", { language: named(suggestion.language, language) })) : "",
      element("span", { class: "kb-desk-passage", lang: suggestion.language, dir: "auto" }, suggestion.passage),
    );
    if (state.unhelpful.has(suggestion.article)) button.classList.add("kb-desk-unhelpful");
    return element("li", {}, button);
  }

  function open(suggestion, button) {
    state.opened.add(suggestion.article);
    state.reading = true; // The list stays as it is beneath the panel: somebody comes back to where they were.
    tell({ kind: "opened", article: suggestion.article, text: state.text.slice(0, 2000) });
    openPanel(suggestion, words, region.getRootNode(), {
      closed: () => {
        state.reading = false;
        // A panel that closes gives focus back at once, and says so later: by then somebody may have gone on.
        if (document.activeElement === document.body) button.focus();
        showWaiting();
      },
      solved: () => {
        tell({ kind: "solved", article: suggestion.article, text: state.text.slice(0, 2000), offers: offers() });
        onSolved(suggestion);
      },
      unhelpful: () => {
        state.unhelpful.add(suggestion.article);
        button.classList.add("kb-desk-unhelpful");
        tell({ kind: "unhelpful", article: suggestion.article, text: state.text.slice(0, 2000) });
        onBack();
      },
    });
  }

  function release() {
    state.held = false;
    showWaiting();
  }

  function showWaiting() {
    if (state.waiting) show(state.waiting);
  }

  const offers = () => state.shown.map(({ article, language: own, score }) => ({ article, language: own, score }));
  region.addEventListener("pointerenter", () => { state.held = true; });
  region.addEventListener("pointerleave", release);
  region.addEventListener("pointerup", (event) => event.pointerType !== "mouse" && setTimeout(release, TOUCH_HOLD_MS));
  region.addEventListener("focusout", () => setTimeout(showWaiting));

  return {
    typed,
    // What the ticket remembers: everything shown last, and what was opened or did not help.
    seen: () =>
      state.shown.map(({ article, language: own, score }) => ({
        article, language: own, score, opened: state.opened.has(article), unhelpful: state.unhelpful.has(article),
      })),
    category: () => state.shown[0]?.article.split("/").slice(0, -1).join("/") ?? "",
    clear: () => typed(""),
    failed: (article) => state.unhelpful.add(article),
  };
}

const same = (a, b) => a.length === b.length && a.every((one, i) => one.article === b[i].article && one.passage === b[i].passage);

function named(language, into) {
  try {
    return new Intl.DisplayNames([into], { type: "language" }).of(language);
  } catch {
    return language;
  }
}
