/**
 * Search for a page: `const search = new Search(manifestUrl)`, then `await search.query("…", { limit, category, typing })`.
 *
 * Nothing is loaded before `open()` or the first question. An answer is
 * `{ results, shown, why }`; a result has `id, url, title, category, passage: { text, marks, anchor, heading }, score,
 * language, matched, origin, why`. `url` is relative to the language's folder of the site; `marks` are pairs of offsets
 * into `passage.text`, which is text, not HTML.
 */

const WORKER = new URL("./worker.js", import.meta.url);

export class Search {
  /** @param {string} manifest address of the language's `search/manifest.json` */
  constructor(manifest) {
    this.manifest = new URL(manifest, document.baseURI).href;
    this.pending = new Map();
    this.last = 0;
    this.opening = null;
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
  async addVectors() {
    await this.open();
    this.about = await this.#send({ vectors: true });
    return this.about;
  }

  /** The score from which an article is worth suggesting; null before the index is open. */
  get threshold() {
    return this.about?.threshold ?? null;
  }

  /**
   * The answer to a question; null when a newer question was asked meanwhile. `onMore` receives a better answer, where
   * another of the site's languages has to be looked into first.
   */
  async query(text, { limit = 10, category = "", typing = false, onMore = null } = {}) {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    await this.open();
    if (turn !== this.turn) return null;
    const more = onMore && ((answer) => turn === this.turn && onMore(answer));
    const answer = await this.#send({ query: text, options: { limit, category, typing } }, more);
    return turn === this.turn ? answer : null;
  }

  /** Ends the worker; a later question starts anew. */
  close() {
    this.worker?.terminate();
    this.worker = null;
    this.opening = null;
    for (const { reject } of this.pending.values()) reject(new Error("search was closed"));
    this.pending.clear();
  }

  async #start() {
    this.worker = new Worker(WORKER, { type: "module" });
    this.worker.onmessage = ({ data }) => this.#receive(data);
    this.worker.onerror = () => {
      for (const { reject } of this.pending.values()) reject(new Error("search could not start"));
      this.pending.clear();
    };
    this.about = await this.#send({ open: this.manifest });
    return this.about;
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
