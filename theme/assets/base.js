// What Material's templates define inline. The scope is the root of the site, so that a reader's choice of light
// or dark holds in every language.
var __md_scope = new URL(document.currentScript.dataset.root || ".", location);
var __md_hash = (text) => [...text].reduce((hash, c) => (hash << 5) - hash + c.charCodeAt(0), 0);
var __md_get = (key, storage = localStorage, scope = __md_scope) => {
  try {
    return JSON.parse(storage.getItem(scope.pathname + "." + key));
  } catch {
    return null; // Storage is refused in some private windows; the page must work without it.
  }
};
var __md_set = (key, value, storage = localStorage, scope = __md_scope) => {
  try {
    storage.setItem(scope.pathname + "." + key, JSON.stringify(value));
  } catch {
    /* as above */
  }
};

// Material's script asks the folder of every alternate address for a sitemap, one request for each language on each
// page. Addresses of feeds and languages are not for it: they step aside until it has started.
(() => {
  const links = [...document.head.querySelectorAll("link[rel=alternate]")];
  for (const link of links) link.remove();
  addEventListener("load", () => document.head.append(...links));
})();

// A page of results that has a question to answer keeps room for the answer, before it is painted.
if (new URLSearchParams(location.search).get("q")?.trim() && document.currentScript.dataset.asked !== undefined)
  document.documentElement.classList.add("kb-asked");
