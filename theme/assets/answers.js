// Suggestions for the contact form from the index in the browser: no question leaves the page while it is being typed.

import { Search } from "./search/client.js";

const ROOT = new URL("../../", import.meta.url); // This file lies in assets/kb-…/.

/**
 * What theme/assets/desk/form.js asks of a search: `suggest(text, limit, better)` → articles good enough to be shown.
 * `better` receives those of another language, or of the word vectors, that may follow. `search` is a Search in use.
 */
export function createClient({ language, search = searchIn(language) }) {
  return {
    suggest: async (text, limit, better = () => {}) => {
      const answer = await search.query(text, { limit, onMore: (more) => better(good(more)) });
      return answer ? good(answer) : []; // Another question was asked meanwhile; the form drops this answer anyway.
    },
  };
}

function searchIn(language) {
  return new Search(new URL(`${language}/search/manifest.json`, ROOT).href);
}

function good({ results, threshold }) {
  return results.filter((result) => result.score >= threshold).map(suggestion);
}

function suggestion({ id, title, passage, url, language, score }) {
  const address = new URL(url, new URL(`${language}/`, ROOT));
  if (passage.anchor) address.hash = passage.anchor;
  return { article: id, title, passage: passage.text, url: address.href, language, score };
}
