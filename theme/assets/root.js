// Sends a visitor of the root address to their language: the one they chose before, else the first of the browser's
// that the site has, else the default. Hides the page before it is painted; without this script the page is a plain list.
(() => {
  const { languages, default: fallback } = document.currentScript.dataset;
  const known = languages.split(" ");

  const find = (tag) => known.find((language) => language.toLowerCase() === tag);

  /** The site's language for a BCP 47 tag by RFC 4647 "lookup": pt-PT, then pt; else any of the same language. */
  const lookup = (wanted) => {
    const parts = String(wanted).toLowerCase().split("-");
    for (let length = parts.length; length > 0; length--) {
      // A single letter introduces an extension and means nothing alone.
      if (parts[length - 1].length === 1) continue;
      const language = find(parts.slice(0, length).join("-"));
      if (language) return language;
    }
    return known.find((language) => language.toLowerCase().split("-")[0] === parts[0]);
  };

  const remembered = () => {
    try {
      return localStorage.getItem("kb.language") ?? "";
    } catch {
      return ""; // Storage may be refused; then the browser's preference decides.
    }
  };

  const preferred = () => {
    for (const tag of navigator.languages ?? [navigator.language]) {
      const language = lookup(tag);
      if (language) return language;
    }
    return undefined;
  };

  const language = find(remembered().toLowerCase()) ?? preferred() ?? fallback;
  const page = document.documentElement;
  page.hidden = true;
  // Should the way be barred, or the reader come back to this page, the list must be there: so it is read to its end
  // before leaving, which takes no noticeable time.
  setTimeout(() => (page.hidden = false), 3000);
  addEventListener("pageshow", (event) => {
    if (event.persisted) page.hidden = false;
  });
  document.addEventListener("DOMContentLoaded", () => {
    location.replace(`${language}/${location.search}${location.hash}`);
  });
})();
