// Answers while somebody types, in the header and on the home page, and the page of results. The engine and the index are
// loaded when a search box gets the focus, not before.

import { combobox } from "./combobox.js";
import { announcer, clearButton, element, siteOf, whileTyping } from "./searching.js";

const PAGE_LIMIT = 20;
const TEXT_LIMIT = 500;
/** A question that comes with the address is asked once: it may wait a moment for all that is known about words. */
const PATIENCE_MS = 400;

const site = siteOf(document, location.href);
const { words } = site;
const say = (key, fields) => site.say(key, fields);

/** The page of results, which has its own address. */
function resultsPage(form, place) {
  const input = form.querySelector("input");
  const heading = document.querySelector(".kb-title");
  const title = heading.textContent;
  const contact = document.querySelector(".kb-ask a"); // not there where nobody can be reached
  const announce = announcer(form);
  let category = "";
  input.setAttribute("type", "search");
  clearButton(form, input, words);

  function remember(text) {
    const address = new URL(location.href);
    text ? address.searchParams.set("q", text) : address.searchParams.delete("q");
    category ? address.searchParams.set("in", category) : address.searchParams.delete("in");
    history.replaceState(null, "", address);
    if (contact) contact.href = site.contactFor(text);
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
    const named = [...counts.keys()].filter((id) => site.categoryName(id));
    return [element("div", { class: "kb-chips", role: "group", "aria-label": words.categories },
      chip("", words.search_all_categories), ...named.map((id) => chip(id, site.categoryName(id))))];
  }

  function hits(results) {
    return element("ol", { class: "kb-hits" }, ...results.map((result) =>
      element("li", {}, element("a", { class: "kb-hit", href: site.addressOf(result) }, ...site.content(result)))));
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
      if (contact) parts.push(element("p", {}, element("a", { class: "kb-button", href: contact.href }, words.contact)));
      if (all.results.length) parts.push(element("h2", { class: "kb-section__title" }, words.search_nearest), hits(all.results.slice(0, 4)));
    }
    answered(sure.length > 0);
    place.replaceChildren(...parts);
    announce(summary);
  }

  /** What follows the results was kept out of sight, since nobody knew where it would come to stand. */
  function answered(found) {
    document.documentElement.classList.toggle("kb-asked", found);
    document.documentElement.classList.add("kb-answered");
  }

  async function search(text, patience = 0) {
    remember(text);
    heading.textContent = text ? say("search_results_for", { query: text }) : title;
    if (!text) {
      answered(false);
      return place.replaceChildren();
    }
    try {
      await site.ask(text, { limit: PAGE_LIMIT, patience }, (answer) => input.value.trim() === text && show(text, answer));
    } catch {
      answered(false);
      place.replaceChildren(element("p", { role: "alert" }, words.search_failed));
    }
  }

  whileTyping(input, (text) => {
    category = "";
    return search(text);
  });
  input.addEventListener("focus", () => site.engine().catch(() => {}));
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
  search(text.trim(), PATIENCE_MS);
}

const place = document.getElementById("kb-results");
for (const form of document.querySelectorAll(".kb-search")) {
  if (place) resultsPage(form, place);
  else combobox(form, site);
}
