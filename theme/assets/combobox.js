// A search box whose answers come while somebody types: a combobox after the pattern of WAI-ARIA.

import { announcer, clearButton, element, whileTyping } from "./searching.js";

const LIMIT = 6;

/**
 * Makes a combobox of the `form`'s box; `site` is a Site of searching.js. `open(result, event)` may open an answer
 * another way than by following its address, `contact(text, event)` the form; `ask` may be another way to ask than the
 * site's own. Returns `first()`, which moves to the first answer.
 */
export function combobox(form, site, { open: opened = () => {}, contact: contacted = () => {}, ask = (...question) => site.ask(...question) } = {}) {
  const { words } = site;
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
  clearButton(form, input, words);

  const options = () => [...list.children];
  let active = -1;
  let dismissed = false; // by Escape: an answer that comes later opens nothing

  function open() {
    popup.hidden = dismissed = false;
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

  function option(id, classes, href, ...children) {
    const made = element("a", { role: "option", id: `${list.id}-${id}`, class: classes, href, tabindex: "-1", "aria-selected": "false" }, ...children);
    if (form.target) made.target = form.target;
    return made;
  }

  function hit(result, number) {
    const made = option(number, "kb-hit", site.addressOf(result), ...site.content(result));
    made.addEventListener("click", (event) => opened(result, event));
    return made;
  }

  function contact(text) {
    const made = option("contact", "kb-popup__all", site.contactFor(text), words.contact);
    made.addEventListener("click", (event) => contacted(text, event));
    return made;
  }

  function all(text) {
    const address = new URL(form.action);
    address.searchParams.set("q", text);
    return option("all", "kb-popup__all", address.href, words.search_see_all);
  }

  function show(text, { results, sure, shown }) {
    const found = sure.length ? sure : results.slice(0, 3);
    const more = [...(found.length ? [all(text)] : []), ...(!sure.length && site.contact ? [contact(text)] : [])];
    list.replaceChildren(...found.map(hit), ...more);
    const said = sure.length ? (shown ? site.say("search_corrected", { query: shown }) : "") : site.say("search_none", { query: text });
    tell(said, sure.length);
  }

  function tell(text, count) {
    note.textContent = text;
    note.hidden = !text;
    choose(-1);
    if (dismissed) return;
    open();
    announce([text, count ? site.say("search_results", { n: count }) : ""].filter(Boolean).join(". "));
  }

  const wanted = () => input.getRootNode().activeElement === input && input.value.trim() !== "";

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

  input.addEventListener("input", () => { dismissed = false; });
  whileTyping(input, search);
  input.addEventListener("focus", () => {
    dismissed = false;
    site.engine().catch(() => {}); // Said at the first key, when it matters.
    if (input.value.trim()) search(input.value.trim());
  });
  input.addEventListener("blur", close);
  popup.addEventListener("pointerdown", (event) => event.preventDefault());
  popup.addEventListener("mousedown", (event) => event.preventDefault());
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const count = list.childElementCount;
    if (event.key === "Escape") {
      if (!popup.hidden) {
        close();
        dismissed = true;
      } else if (input.value) {
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
  return {
    first() {
      if (!list.childElementCount) return;
      open();
      choose(0);
    },
  };
}
