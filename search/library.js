/** All of a site's indexes: a question in another of its languages finds the article in the reader's own. */

import { candidates } from "./languages.js";
import { bytes, load, manifest } from "./loader.js";
import { open, QUERY_LIMIT } from "./engine.js";

const TRANSLATED_DISCOUNT = 0.95;
const SCORE_UNIT = 1e6;

/** The reader's own index, and those of the site's other languages once a question needs them. */
export class Library {
  constructor(url, found, own) {
    this.url = url;
    this.manifest = found;
    this.own = own;
    this.others = new Map();
  }

  /** Opens the library whose manifest (`…/uk/search/manifest.json`) is at the absolute address `url`. */
  static async open(url) {
    const found = await manifest(url);
    return new Library(url, found, await open(await bytes(new URL(found.index, url))));
  }

  /** Loads the word vectors, if the site has them; returns whether they are in use. */
  async addVectors() {
    if (this.manifest.vectors && !this.own.table) {
      await this.own.addVectors(await bytes(new URL(this.manifest.vectors, this.url)));
    }
    return this.own.table !== null;
  }

  /**
   * The answer at once, in the reader's language; `later`, where the question may be in another one, is a promise
   * of the answer with that language looked into.
   */
  search(text, options) {
    text = text.slice(0, QUERY_LIMIT);
    const answer = this.own.search(text, options);
    if (answer.why.length && answer.why[0] !== "corrected") return { answer, later: null };
    const languages = candidates(text, this.own.language, this.manifest.languages);
    return { answer, later: languages.length ? this.#inOthers(text, options, answer, languages) : null };
  }

  async #inOthers(text, options, answer, languages) {
    let found = answer;
    for (const language of languages) {
      const index = await this.#other(language);
      if (index) found = merged(found, index.search(text, options), this.own, index.threshold, options?.limit ?? 10);
    }
    return found;
  }

  /** Another language's index; null when it cannot be had, which must not spoil the search in one's own. */
  #other(language) {
    if (!this.others.has(language)) {
      const url = new URL(`../../${language}/search/manifest.json`, this.url);
      this.others.set(language, load(url).catch(() => null));
    }
    return this.others.get(language);
  }
}

/** Both answers, each article once, the other's opened in the language of `own`, whose threshold decides. */
function merged(answer, other, own, threshold, limit) {
  const share = (TRANSLATED_DISCOUNT * own.threshold) / threshold;
  const best = new Map(answer.results.map((result) => [result.id, result]));
  for (const result of other.results) {
    const score = Math.min(1, Math.round(result.score * share * SCORE_UNIT) / SCORE_UNIT);
    const here = (best.get(result.id)?.score ?? -1) < score ? own.present(result.id) : undefined;
    if (here) best.set(result.id, { ...here, score, matched: result.matched, why: [...result.why, "translated"] });
  }
  const results = [...best.values()].sort((a, b) => b.score - a.score).slice(0, limit);
  const changed = results[0]?.why.includes("translated");
  return { results, shown: changed ? other.shown : answer.shown, why: changed ? results[0].why : answer.why };
}
