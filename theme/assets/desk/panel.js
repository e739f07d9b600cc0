// An article in a panel over the form: read, and say whether it helped, without leaving what was typed.

import { element } from "./words.js";

const KEPT = "article, .md-content__inner, main";
const DROPPED = "script, style, form, iframe, nav, button, input, .headerlink, .kb-path, .kb-notice__icon, .kb-ask, .kb-section, .kb-print-only, h1";

// root is the document, or the shadow root of an embedded form.
export function openPanel(suggestion, words, root, { solved, unhelpful, closed }) {
  const content = element("div", { class: "kb-desk-panel-text", lang: suggestion.language, dir: "auto" });
  content.append(element("p", {}, suggestion.passage));
  const title = element("h2", { id: "kb-desk-panel-title", tabindex: "-1", lang: suggestion.language, dir: "auto" }, suggestion.title);
  const dialog = element(
    "dialog",
    { class: "kb-desk-panel", "aria-labelledby": title.id },
    element("div", { class: "kb-desk-panel-head" }, title,
      element("button", { type: "button", class: "kb-desk-close", "aria-label": words("close_panel"), onclick: () => dialog.close() }, "×")),
    content,
    element("p", {}, element("a", { href: suggestion.url, target: "_blank", rel: "noopener" }, words("read_whole"))),
    element("div", { class: "kb-desk-panel-foot" },
      element("button", { type: "button", class: "kb-desk-button", onclick: () => finish(solved) }, words("this_solved_it")),
      element("button", { type: "button", class: "kb-desk-link", onclick: () => finish(unhelpful) }, words("still_need_help"))),
  );
  let outcome = null;
  const finish = (what) => {
    outcome = what;
    dialog.close();
  };
  dialog.addEventListener("close", () => {
    dialog.remove();
    closed();
    outcome?.();
  });
  (root.body ?? root).append(dialog);
  dialog.showModal();
  title.focus();
  load(suggestion.url).then((nodes) => nodes.length && content.replaceChildren(...nodes)).catch(() => {});
  return dialog;
}

async function load(address) {
  const url = new URL(address, location.href);
  const answer = await fetch(url, { credentials: "omit", signal: AbortSignal.timeout(8000) });
  if (!answer.ok) return [];
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const article = page.querySelector(KEPT);
  for (const unwanted of article?.querySelectorAll(DROPPED) ?? []) unwanted.remove();
  for (const image of article?.querySelectorAll("[src]") ?? []) image.src = new URL(image.getAttribute("src"), url).href;
  for (const link of article?.querySelectorAll("a[href]") ?? []) {
    link.href = new URL(link.getAttribute("href"), url).href;
    link.target = "_blank";
    link.rel = "noopener";
  }
  // Without the page's styles all tabs are open: each under its own label.
  for (const set of article?.querySelectorAll(".tabbed-set") ?? []) headTabs(set);
  // Anchors of two articles must not meet on one page.
  for (const named of article?.querySelectorAll("[id]") ?? []) named.removeAttribute("id");
  return article ? Array.from(article.childNodes, (node) => document.importNode(node, true)) : [];
}

function headTabs(set) {
  const labels = [...set.querySelectorAll(":scope > .tabbed-labels > label")];
  const blocks = set.querySelectorAll(":scope > .tabbed-content > .tabbed-block");
  blocks.forEach((block, i) => block.prepend(element("p", { class: "kb-desk-tab" }, labels[i]?.textContent ?? "")));
  set.querySelector(":scope > .tabbed-labels")?.remove();
}
