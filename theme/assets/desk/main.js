// Every contact form on the page. data-search names a module with createClient({ language }); without one, or when it cannot
// be loaded, the service is asked.

import { mountForm } from "./form.js";

for (const form of document.querySelectorAll("[data-kb-desk-form]")) mountForm(form, { search: lazy(form.dataset) });

// Loaded when somebody begins to write, not before.
function lazy({ search, language }) {
  if (!search) return undefined;
  let client = null;
  return {
    suggest: async (text, limit, better) => {
      client ??= import(new URL(search, location.href)).then((module) => module.createClient({ language }));
      return (await client).suggest(text, limit, better);
    },
  };
}

// A search that found nothing leads here with its words.
const asked = new URLSearchParams(location.search).get("text");
for (const message of document.querySelectorAll("[data-kb-desk-form] textarea[name=message]")) {
  if (!asked || message.value) continue;
  message.value = asked.slice(0, message.maxLength);
  message.dispatchEvent(new Event("input", { bubbles: true }));
}
