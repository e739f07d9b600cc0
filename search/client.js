/**
 * Search for a page: `const search = new Search(manifestUrl)`, then `await search.query("…", { limit, category, typing })`.
 *
 * Nothing is loaded before `open()` or the first question. An answer is
 * `{ results, shown, why, threshold }`; a result has `id, url, title, category, passage: { text, marks, anchor, heading }, score,
 * language, matched, origin, why`. `url` is relative to the language's folder of the site; `marks` are pairs of offsets
 * into `passage.text`, which is text, not HTML; `threshold` is the score from which an article is worth suggesting.
 *
 * The word vectors (a megabyte) come after the first answer, while the browser rests, and never where the reader's
 * browser asks to save data. They count from the next question on: an answer on the screen is not made anew under its
 * reader's eyes, unless there was nothing in it worth showing. Only a question asked all at once, the address of the
 * page of results, waits for them, and not longer than its `patience`.
 */

const WORKER = new URL("./worker.js", import.meta.url);
const REST_LIMIT_MS = 2000;
/** Networks on which a megabyte takes longer than somebody looks for an answer. */
const SLOW = new Set(["slow-2g", "2g"]);

export class Search {
  /** @param {string} manifest address of the language's `search/manifest.json` */
  constructor(manifest) {
    this.manifest = new URL(manifest, document.baseURI).href;
    this.pending = new Map();
    this.last = 0;
    this.turn = 0;
    this.opening = null;
    this.meaning = null;
    this.worker = null;
    this.about = null;
  }

  /** Loads the index; call it when the search box or the form gets focus. Fails with what the network said. */
  open() {
    this.opening ??= this.#start().catch((error) => {
      this.close();
      throw error;
    });
    return this.opening;
  }

  /** Loads the word vectors as well, if the site has them; returns what `open` returns, renewed. */
  addVectors() {
    this.meaning ??= this.open().then(() => this.#send({ vectors: true })).then((about) => (this.about = about));
    return this.meaning;
  }

  /**
   * The answer to a question; null when a newer question was asked meanwhile. `onMore` receives a better answer: where
   * another of the site's languages has to be looked into first, or where the word vectors find what the words did not,
   * which is nothing that reaches `least` of the threshold. `patience` is how many ms the word vectors are waited for.
   */
  async query(text, { limit = 10, category = "", typing = false, patience = 0, least = 1, onMore = null } = {}) {
    const turn = ++this.turn;
    const current = () => turn === this.turn;
    await this.open();
    if (patience && affordable()) await Promise.race([this.addVectors().catch(() => {}), pause(patience)]);
    if (!current()) return null;
    const order = { query: text, options: { limit, category, typing } };
    let found = false;
    const seen = (answer) => {
      found = answer.results[0]?.score >= least * answer.threshold;
      return answer;
    };
    const more = onMore && ((answer) => current() && onMore(seen(answer)));
    const answer = seen(await this.#send(order, more));
    this.#meaningAtRest(() => {
      if (more && current() && !found) this.#send(order, more).then(more, () => {});
    });
    return current() ? answer : null;
  }

  /** Ends the worker; a later question starts anew. */
  close() {
    this.worker?.terminate();
    this.worker = null;
    this.opening = null;
    this.meaning = null;
    for (const { reject } of this.pending.values()) reject(new Error("search was closed"));
    this.pending.clear();
  }

  async #start() {
    this.worker = new Worker(worker(), { type: "module" });
    this.worker.onmessage = ({ data }) => this.#receive(data);
    this.worker.onerror = () => {
      for (const { reject } of this.pending.values()) reject(new Error("search could not start"));
      this.pending.clear();
    };
    this.about = await this.#send({ open: this.manifest });
    return this.about;
  }

  /** Calls `loaded` if the word vectors are in use later than now. */
  #meaningAtRest(loaded) {
    if (this.about.vectors || !this.about.offered || !affordable()) return;
    this.resting ??= rest();
    // Without them the search works as before: a failure is not worth a word, and not tried again on this page.
    this.resting.then(() => this.addVectors()).then(loaded, () => {});
  }

  #send(message, more = null) {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve, reject, more });
      this.worker.postMessage({ id, ...message });
    });
  }

  #receive({ id, done, more, error }) {
    const waiting = this.pending.get(id);
    if (!waiting) return;
    if (error !== undefined) {
      this.pending.delete(id);
      waiting.reject(new Error(error));
      return;
    }
    if (waiting.answered) waiting.more?.(done);
    else waiting.resolve(done);
    waiting.answered = true;
    if (!more) this.pending.delete(id);
  }
}

/** The worker's address. A page of another site may not start it from there, but may start one that imports it. */
function worker() {
  if (WORKER.origin === location.origin) return WORKER;
  return URL.createObjectURL(new Blob([`import ${JSON.stringify(WORKER.href)};`], { type: "text/javascript" }));
}

function affordable() {
  const { saveData = false, effectiveType = "" } = navigator.connection ?? {};
  return !saveData && !SLOW.has(effectiveType);
}

function rest() {
  return new Promise((resolve) => {
    if (window.requestIdleCallback) requestIdleCallback(resolve, { timeout: REST_LIMIT_MS });
    else setTimeout(resolve, REST_LIMIT_MS);
  });
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
