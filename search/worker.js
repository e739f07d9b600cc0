/**
 * The engine off the main thread. Messages in: `{ id, open: url }`, `{ id, vectors: true }`, `{ id, query, options }`.
 * Messages out: `{ id, done }` or `{ id, error }`; a query may be answered twice, first with `more: true`.
 */

import { Library } from "./library.js";

let library = null;
let asked = false;

self.onmessage = async ({ data }) => {
  try {
    await handle(data);
  } catch (error) {
    self.postMessage({ id: data.id, error: String(error?.message ?? error) });
  }
};

async function handle({ id, open, vectors, query, options }) {
  if (open !== undefined) {
    const opened = await Library.open(open);
    opened.own.warm(0);
    library = opened;
    self.postMessage({ id, done: about() });
    warm(opened.own, 1);
  } else if (vectors) {
    await library?.addVectors();
    self.postMessage({ id, done: about() });
  } else {
    asked = true;
    await ask(id, query, options);
  }
}

/** Uses the time until the first question, so that it is answered as fast as the others. */
function warm(index, step) {
  setTimeout(() => {
    if (!asked && index.warm(step)) warm(index, step + 1);
  });
}

async function ask(id, query, options) {
  if (!library) throw new Error("no index is open");
  const { answer, later } = library.search(query, options);
  // Vectors may come between the two: each answer has the threshold that its scores were made for.
  const { threshold } = library.own;
  self.postMessage({ id, done: { ...answer, threshold }, more: later !== null });
  if (later) self.postMessage({ id, done: { ...(await later), threshold } });
}

function about() {
  const { language, count, threshold, table } = library.own;
  return { language, articles: count, threshold, vectors: table !== null, offered: Boolean(library.manifest.vectors) };
}
