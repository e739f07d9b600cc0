// Suggestions for the contact form from the index in the browser: no question leaves the page while it is being typed.

import { Search } from "./search/client.js";

const ROOT = new URL("../../", import.meta.url); // This file lies in assets/kb-…/.

/** What theme/assets/desk/main.js asks of a search: `suggest(text, limit)` → articles good enough to be shown. */
export function createClient({ language }) {
  const search = new Search(new URL(`${language}/search/manifest.json`, ROOT).href);
  return {
    suggest: async (text, limit) => {
      const answer = await search.query(text, { limit });
      if (!answer) return []; // Another question was asked meanwhile; the form drops this answer anyway.
      return answer.results.filter((result) => result.score >= search.threshold).map(suggestion);
    },
  };
}

function suggestion({ id, title, passage, url, language, score }) {
  const address = new URL(url, new URL(`${language}/`, ROOT));
  if (passage.anchor) address.hash = passage.anchor;
  return { article: id, title, passage: passage.text, url: address.href, language, score };
}
