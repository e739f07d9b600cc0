// Small manners of every page. All of it is optional: the pages work without.

/** Remember the language a reader picks, for the root address. */
function rememberLanguage() {
  for (const link of document.querySelectorAll("[data-kb-language]")) {
    link.addEventListener("click", () => {
      try {
        localStorage.setItem("kb.language", link.dataset.kbLanguage);
      } catch {
        // Storage may be refused; then the browser's preference decides.
      }
    });
  }
}

/** Close an open list of languages on Escape and on a click elsewhere. */
function closeLanguages() {
  const list = document.querySelector(".kb-languages");
  if (!list) return;
  document.addEventListener("click", (event) => {
    if (!list.contains(event.target)) list.open = false;
  });
  list.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !list.open) return;
    list.open = false;
    list.querySelector("summary").focus();
  });
}

/** Open the content tab or the details element that an address points into. */
function revealTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.name?.startsWith("__tabbed_")) target.checked = true;
  for (let node = target.parentElement; node; node = node.parentElement)
    if (node.tagName === "DETAILS") node.open = true;
}

/** What somebody searched for in vain need not be typed again: it becomes the beginning of the e-mail. */
function carryText() {
  const text = new URLSearchParams(location.search).get("text");
  if (!text) return;
  for (const link of document.querySelectorAll('.kb-contact a[href^="mailto:"]'))
    link.href = `${link.href.split("?")[0]}?body=${encodeURIComponent(text.slice(0, 500))}`;
}

/** A table wider than the page can be scrolled by keyboard, too. */
function scrollTables() {
  const observer = new ResizeObserver((entries) => {
    for (const { target } of entries)
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
  });
  for (const box of document.querySelectorAll(".md-typeset__scrollwrap")) observer.observe(box);
}

/** "/" moves to the search box, as on most sites with one. */
function focusSearchOnSlash() {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const input = [...document.querySelectorAll(".kb-search__input")].find((box) => box.offsetParent);
    if (!input) return;
    event.preventDefault();
    input.focus();
    input.select();
  });
}

/**
 * Material names a code block after the nearest id around it, and the copy button after the block. Blocks without an id of
 * their own would share the page's, and every button would copy the first.
 */
function nameCodeBlocks() {
  for (const [n, block] of document.querySelectorAll("pre:not([id])").entries()) block.id = `kb-code-${n}`;
}

/** Material puts each copy button into a navigation of its own: to a screen reader, one more region without a name. */
function quietCopyButtons() {
  const observer = new MutationObserver((changes) => {
    for (const { target } of changes)
      for (const nav of target.querySelectorAll("nav.md-code__nav:not([role])")) nav.setAttribute("role", "presentation");
  });
  for (const block of document.querySelectorAll("pre")) observer.observe(block, { childList: true });
}

nameCodeBlocks(); // before Material starts, which waits for the whole document
quietCopyButtons();
rememberLanguage();
closeLanguages();
revealTarget();
carryText();
focusSearchOnSlash();
addEventListener("hashchange", revealTarget);
addEventListener("load", scrollTables);
