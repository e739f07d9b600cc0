// Of the texts in all languages, leaves the one in the language of the address; else in the language remembered or
// preferred; else in the default one.
(() => {
  const { root, default: fallback } = document.currentScript.dataset;
  const sections = [...document.querySelectorAll("section[lang]")];

  const find = (tag) => sections.find((section) => section.lang.toLowerCase() === tag.toLowerCase());

  const ofAddress = () => {
    const path = location.pathname;
    return path.startsWith(root) ? find(path.slice(root.length).split("/")[0]) : undefined;
  };

  const remembered = () => {
    try {
      return find(localStorage.getItem("kb.language") ?? "");
    } catch {
      return undefined; // Storage may be refused.
    }
  };

  const preferred = () => {
    for (const tag of navigator.languages ?? [navigator.language]) {
      const section = find(tag) ?? find(tag.split("-")[0]);
      if (section) return section;
    }
    return undefined;
  };

  const shown = ofAddress() ?? remembered() ?? preferred() ?? find(fallback);
  if (!shown) return;
  for (const section of sections) section.hidden = section !== shown;
  document.documentElement.lang = shown.lang;
  document.documentElement.dir = shown.dir;
  document.title = `${shown.querySelector("h2").textContent} · ${document.querySelector("h1").textContent}`;
})();
