/**
 * The search engine of the browser: the index rebuilt from an unpacked file, questions understood, articles ranked.
 * The mathematics and their reasons are those of kb/index/ranking.py and kb/index/understanding.py; the two are held
 * to the same order of results.
 */

import { core, join, unpack } from "./packed.js";
import { best, MARK_FROM } from "./passages.js";
import { isLatin, otherLayouts, scriptOf, skeletonOfCyrillic, skeletonOfLatin } from "./scripts.js";
import { EXACT_WEIGHT, features, isPlain, SPACE, terms, TERMS_VERSION } from "./terms.js";
import { openTable, rarity, SHARE, STOP_WEIGHT as STOP_MEANING, toUnit, weight as meaningWeight } from "./vectors.js";

export const K1 = 2;
export const B = 0.75;
const SCALE = K1 + 1;
const GRAM_SHARE = 0.5;
/** What the cosine with the article's place among its texts counts, against 1 for the rest. */
const TEXTS_SHARE = 0.25;
const LIKENESS_FLOOR = 0.15;
const COMPLETION_LIKENESS = 0.9;
const COMPLETIONS_LIMIT = 200;
const CACHED_WORDS = 2048;
const CACHED_FEATURES = 8192;
const SCORE_UNIT = 1e6;
/** A word of the title, the tags or the questions counts as so many of the text. */
const ASKING_WEIGHT = 2;

export const THRESHOLD = 0.21;
export const THRESHOLD_WITH_VECTORS = 0.31;
const STAND_INS = 3;
const QUERY_LIMIT = 2000;
const WORDS_LIMIT = 64;
const STOP_WEIGHT = 0.7;
const SYNONYM_DISCOUNT = 0.8;
const CORRECTION_DISCOUNT = [1, 0.95, 0.85];
const CORRECTIONS_LIMIT = 3;
const CORRECTED_FROM = 4;
const LONG_FROM = 8;
const KNOWN_ENOUGH = 0.75;
const MARGIN = 0.25;
const LEAST_COVERAGE = 0.5;

/** Opens the bytes of an index file. */
export async function open(buffer) {
  const { header, dictionary, tokens } = await unpack(buffer);
  if (header.terms !== TERMS_VERSION) throw new Error("a search index of another version");
  return new Index(header, dictionary, tokens);
}

/** Values by article, only where there are any. */
class Sparse {
  constructor(articles, values) {
    this.articles = articles;
    this.values = values;
  }
}

/** Adds numbers by article and hands them out as Sparse; used over and over, so that nothing is allocated a query. */
class Sums {
  constructor(count) {
    this.values = new Float64Array(count);
    this.seen = new Uint8Array(count);
    this.touched = new Int32Array(count);
    this.size = 0;
  }

  add(article, value) {
    if (!this.seen[article]) {
      this.seen[article] = 1;
      this.touched[this.size++] = article;
    }
    this.values[article] += value;
  }

  raise(article, value) {
    if (!this.seen[article]) {
      this.seen[article] = 1;
      this.touched[this.size++] = article;
    }
    if (value > this.values[article]) this.values[article] = value;
  }

  take() {
    const articles = this.touched.slice(0, this.size);
    const values = new Float64Array(this.size);
    for (let i = 0; i < this.size; i++) {
      values[i] = this.values[articles[i]];
      this.values[articles[i]] = 0;
      this.seen[articles[i]] = 0;
    }
    this.size = 0;
    return new Sparse(articles, values);
  }
}

/** The index's terms under some spelling (their own, or skeletons), and the features they have. */
class View {
  constructor(forms) {
    this.forms = forms;
    this.having = new Map();
    for (let number = 0; number < forms.length; number++) {
      for (const feature of features(forms[number])) {
        const list = this.having.get(feature);
        if (list) list.push(number);
        else this.having.set(feature, [number]);
      }
    }
    this.matches = new Map();
    this.found = new Map();
  }

  rarity(feature) {
    const n = this.having.get(feature)?.length ?? 0;
    return (feature[0] === "=" ? EXACT_WEIGHT : 1) * Math.log(1 + (this.forms.length + 0.5) / (n + 0.5));
  }

  known(form) {
    return this.having.has("=" + form);
  }
}

export class Index {
  constructor(header, dictionary, tokens) {
    this.header = header;
    this.language = header.language;
    this.table = null;
    this.dictionary = dictionary;
    this.tokens = tokens;
    this.count = header.articles.id.length;
    this.stop = new Set(header.stop);
    this.synonyms = byFirstWord(header.synonyms);
    this.cyrillic = scriptOf(this.language) === "cyrillic";
    this.chunkTerms = new Map();
    const counted = this.#count();
    this.#postings(counted, this.#centroids(counted));
    this.views = [new View(this.terms), null];
    this.sums = new Sums(this.count);
    this.peaks = new Sums(this.count);
    this.places = new Sums(this.count);
  }

  /** Reads the texts once: where each field begins, and which terms each article has how often. */
  #count() {
    const numbers = new Map();
    const ofToken = new Array(this.dictionary.length);
    const pairs = { term: new Int32Array(this.tokens.length * 2 + 16), count: null, size: 0 };
    pairs.count = new Uint16Array(pairs.term.length);
    const seen = [], slot = [];
    this.fields = [];
    this.lengths = new Float64Array(this.count);
    this.pairsFrom = new Int32Array(this.count + 1);
    const fieldsOf = (article) => {
      const { questions, anchors } = this.header.articles;
      return 2 + questions[article] + 2 * anchors[article].length;
    };
    let at = 0;
    for (let article = 0; article < this.count; article++) {
      const starts = new Int32Array(fieldsOf(article) + 1);
      this.pairsFrom[article] = pairs.size;
      for (let field = 0; field + 1 < starts.length; field++) {
        starts[field] = at;
        const weight = field < 2 + this.header.articles.questions[article] ? ASKING_WEIGHT : 1;
        for (; this.tokens[at] !== 0; at++) {
          const token = this.tokens[at];
          const found = ofToken[token] ??= numbered(terms(core(this.dictionary[token]), this.language), numbers);
          for (let i = 0; i < found.length; i++) {
            const term = found[i];
            this.lengths[article]++;
            if (seen[term] === article) pairs.count[slot[term]] += weight;
            else {
              seen[term] = article;
              slot[term] = pairs.size;
              if (pairs.size === pairs.term.length) grow(pairs);
              pairs.term[pairs.size] = term;
              pairs.count[pairs.size++] = weight;
            }
          }
        }
        at++;
      }
      starts[starts.length - 1] = at;
      this.fields.push(starts);
    }
    this.pairsFrom[this.count] = pairs.size;
    return { numbers, pairs, ofToken };
  }

  /** What each pair's term weighs in its article's place among its texts; see kb/index/centroids.py. */
  #centroids({ numbers, pairs, ofToken }) {
    const holders = new Int32Array(numbers.size);
    for (let i = 0; i < pairs.size; i++) holders[pairs.term[i]]++;
    const rarities = Float64Array.from(holders, (number) => rarity(number, this.count));
    const shares = new Float64Array(pairs.size);
    const slot = new Int32Array(numbers.size), times = new Int32Array(numbers.size);
    const present = new Int32Array(numbers.size), weights = new Float64Array(numbers.size);
    // Nearly every token is one word: a number each is much faster to walk than a list each.
    const single = Int32Array.from(ofToken, (found) => found?.length === 1 ? found[0] : -1);
    for (let article = 0; article < this.count; article++) {
      const first = this.pairsFrom[article], last = this.pairsFrom[article + 1];
      for (let i = first; i < last; i++) slot[pairs.term[i]] = i;
      const starts = this.fields[article];
      for (let field = 0; field + 1 < starts.length; field++) {
        let size = 0;
        for (let at = starts[field]; at < starts[field + 1] - 1; at++) {
          const token = this.tokens[at], term = single[token];
          if (term >= 0) {
            if (times[term]++ === 0) present[size++] = term;
          } else for (const part of ofToken[token]) if (times[part]++ === 0) present[size++] = part;
        }
        let sum = 0;
        for (let i = 0; i < size; i++) {
          const term = present[i];
          const weight = weights[i] = times[term] === 1 ? rarities[term] : (1 + Math.log(times[term])) * rarities[term];
          sum += weight * weight;
          times[term] = 0;
        }
        const factor = 1 / Math.sqrt(sum);
        for (let i = 0; i < size; i++) shares[slot[present[i]]] += weights[i] * factor;
      }
      toUnit(shares.subarray(first, last));
    }
    return shares;
  }

  /** Turns pairs by article into postings by term, terms sorted. */
  #postings({ numbers, pairs }, shares) {
    const names = [...numbers.keys()];
    const order = names.map((_, i) => i).sort((a, b) => (names[a] < names[b] ? -1 : 1));
    this.terms = order.map((i) => names[i]);
    const sorted = new Int32Array(names.length);
    order.forEach((old, position) => { sorted[old] = position; });
    this.from = new Int32Array(names.length + 1);
    for (let i = 0; i < pairs.size; i++) this.from[sorted[pairs.term[i]] + 1]++;
    for (let i = 0; i < names.length; i++) this.from[i + 1] += this.from[i];
    const next = this.from.slice();
    this.articles = new Int32Array(pairs.size);
    this.counts = new Uint16Array(pairs.size);
    this.shares = new Float32Array(pairs.size);
    for (let article = 0; article < this.count; article++) {
      for (let i = this.pairsFrom[article]; i < this.pairsFrom[article + 1]; i++) {
        const place = next[sorted[pairs.term[i]]]++;
        this.articles[place] = article;
        this.counts[place] = pairs.count[i];
        this.shares[place] = shares[i];
      }
    }
    const average = this.lengths.reduce((a, b) => a + b, 0) / Math.max(1, this.count) || 1;
    this.saturation = this.lengths.map((length) => K1 * (1 - B + (B * length) / average));
  }

  /** The score from which an article is worth suggesting. */
  get threshold() {
    return this.header.threshold || (this.table ? THRESHOLD_WITH_VECTORS : THRESHOLD);
  }

  /** Takes the bytes of a table of word vectors into use. */
  async addVectors(buffer) {
    const table = await openTable(buffer);
    if (table.articles !== this.count) throw new Error("word vectors of another index");
    this.vectors = table.articleVectors();
    this.table = table;
  }

  view(skeletons) {
    if (!skeletons) return this.views[0];
    return this.views[1] ??= new View(this.terms.map(skeletonOfCyrillic));
  }

  holders(term) {
    return this.from[term + 1] - this.from[term];
  }

  /**
   * The best articles for a question, whatever their score.
   * @returns {{results: object[], shown: string, why: string[]}}
   */
  search(text, { limit = 10, category = "", typing = false } = {}) {
    const question = this.read(text, typing);
    const scores = this.#withMeaning(this.#scores(question.slots), question.slots);
    const { category: categories } = this.header.articles;
    const ranked = [];
    for (let i = 0; i < scores.articles.length; i++) {
      const article = scores.articles[i];
      if (category && this.category(article, categories) !== category) continue;
      ranked.push([Math.round(scores.values[i] * SCORE_UNIT) / SCORE_UNIT, article]);
    }
    ranked.sort((a, b) => b[0] - a[0] || a[1] - b[1]);
    const likeness = this.#likeness(question.slots);
    const results = ranked.slice(0, limit).map(([score, article]) => this.#result(article, score, likeness, question.why));
    return { results, shown: question.shown, why: question.why };
  }

  /** The article as this language's readers get it, without a question; undefined when they do not. */
  present(id) {
    this.numbers ??= new Map(this.header.articles.id.map((name, number) => [name, number]));
    const article = this.numbers.get(id);
    return article === undefined ? undefined : this.#result(article, 0, new Map(), []);
  }

  category(article, categories = this.header.articles.category) {
    return categories[article] || this.header.articles.id[article].split("/").slice(0, -1).join("/");
  }

  #result(article, score, likeness, why) {
    const { id, url, origin, questions, anchors } = this.header.articles;
    const field = (number) => join(this.tokens, this.dictionary, this.fields[article][number], this.fields[article][number + 1] - 1);
    const first = 2 + questions[article];
    const sections = anchors[article].map((anchor, i) => ({ anchor, heading: field(first + 2 * i), text: field(first + 2 * i + 1) }));
    return {
      id: id[article],
      url: url[article] || id[article] + "/",
      title: field(0),
      category: this.category(article),
      passage: best(sections, likeness, (chunk) => this.#termsOf(chunk)),
      score,
      language: this.language,
      matched: this.language,
      origin: origin[article] || "written",
      why,
    };
  }

  #termsOf(chunk) {
    let found = this.chunkTerms.get(chunk);
    if (!found) {
      if (this.chunkTerms.size > 20000) this.chunkTerms.clear();
      this.chunkTerms.set(chunk, found = terms(chunk, this.language));
    }
    return found;
  }

  /** Which terms answer which slot, for marking them. */
  #likeness(slots) {
    const found = new Map();
    slots.forEach((slot, number) => {
      for (const [discount, words] of slot.choices) {
        for (const word of words) {
          const match = this.#match(word, slot.skeletons, false);
          const worth = discount * slot.weight * match.wordsMost;
          for (const [term, alike] of match.alike) {
            const name = this.terms[term], value = alike * worth;
            if (alike >= MARK_FROM && value > (found.get(name)?.[1] ?? 0)) found.set(name, [number, value]);
          }
        }
      }
    });
    return found;
  }

  // ── meaning ──

  /** The scores, and how near the articles' meaning is to the question's, in one number up to 1. */
  #withMeaning(scores, slots) {
    if (!this.table) return scores;
    const meant = new Float64Array(this.table.dimensions);
    for (const slot of slots) {
      for (const word of slot.choices[0][1]) {
        for (const [term, share] of this.#inTable(slot, word)) {
          const stop = this.stop.has(term) ? STOP_MEANING : 1;
          this.table.addTo(meant, term, share * stop * meaningWeight(this.#holdersOf(term), this.count));
        }
      }
    }
    if (!toUnit(meant)) return new Sparse(scores.articles, scores.values.map((value) => value / (1 + SHARE)));
    for (let i = 0; i < scores.articles.length; i++) this.sums.add(scores.articles[i], scores.values[i] / (1 + SHARE));
    const { dimensions } = this.table;
    for (let article = 0, at = 0; article < this.count; article++, at += dimensions) {
      let dot = 0;
      for (let d = 0; d < dimensions; d++) dot += meant[d] * this.vectors[at + d];
      if (dot > 0) this.sums.add(article, (SHARE * dot) / (1 + SHARE));
    }
    return this.sums.take();
  }

  /** The word itself, or where the table lacks it the terms most like it, with their shares. */
  #inTable(slot, word) {
    if (!slot.skeletons && this.table.has(word)) return [[word, 1]];
    const near = [...this.#match(word, slot.skeletons, false).alike]
      .filter(([number, value]) => value >= MARK_FROM && this.table.has(this.terms[number]))
      .sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, STAND_INS);
    const whole = near.reduce((sum, [, value]) => sum + value, 0);
    return near.map(([number, value]) => [this.terms[number], (value * value) / whole]);
  }

  #holdersOf(term) {
    const number = this.views[0].having.get("=" + term)?.[0];
    return number === undefined ? 0 : this.holders(number);
  }

  // ── ranking ──

  #scores(slots) {
    const grams = [], words = [], texts = [];
    let gramsMost = 0, wordsMost = 0, length = 0;
    for (const slot of slots) {
      const choices = slot.choices.map(([discount, found]) => [discount, this.#choice(slot, found)]);
      const first = choices[0][1];
      gramsMost += slot.weight * first.gramsMost;
      wordsMost += slot.weight * first.wordsMost;
      grams.push([choices.map(([d, m]) => [d, m.grams, m.gramsMost]), slot.weight * first.gramsMost]);
      const weight = slot.weight * first.wordsMost;
      length += weight * weight;
      words.push([choices.map(([d, m]) => [d, m.words, m.wordsMost]), weight]);
      texts.push([choices.map(([d, m]) => [d, m.texts, m.wordsMost]), weight]);
    }
    const total = new Sums(this.count);
    this.#blend(total, grams, gramsMost ? GRAM_SHARE / (SCALE * gramsMost) : 0);
    this.#blend(total, words, wordsMost ? (1 - GRAM_SHARE) / (SCALE * wordsMost) : 0);
    this.#blend(this.places, texts, length ? 1 / Math.sqrt(length) : 0);
    const places = this.places.values, found = total.take();
    for (let i = 0; i < found.articles.length; i++) {
      const cosine = Math.min(1, places[found.articles[i]]);
      found.values[i] = (found.values[i] + TEXTS_SHARE * cosine) / (1 + TEXTS_SHARE);
    }
    this.places.take();
    return found;
  }

  /** Adds each slot's best choice, each choice as a share of its own most. */
  #blend(total, slots, share) {
    for (const [choices, weight] of slots) {
      if (choices.length > 1) {
        for (const [discount, { articles, values }, most] of choices) {
          const factor = most ? (discount * weight) / most : 0;
          for (let i = 0; i < articles.length; i++) this.peaks.raise(articles[i], factor * values[i]);
        }
        const { articles, values } = this.peaks.take();
        for (let i = 0; i < articles.length; i++) total.add(articles[i], share * values[i]);
      } else {
        const [discount, { articles, values }, most] = choices[0];
        const factor = most ? (share * discount * weight) / most : 0;
        for (let i = 0; i < articles.length; i++) total.add(articles[i], factor * values[i]);
      }
    }
  }

  #choice(slot, words) {
    const last = words.length - 1;
    const matches = words.map((word, i) => this.#match(word, slot.skeletons, slot.partial && i === last));
    return matches.length === 1 ? matches[0] : this.#sum(matches);
  }

  #sum(matches) {
    const both = { gramsMost: 0, wordsMost: 0, alike: new Map() };
    for (const part of ["grams", "words", "texts"]) {
      for (const match of matches) {
        const { articles, values } = match[part];
        for (let i = 0; i < articles.length; i++) this.sums.add(articles[i], values[i]);
      }
      both[part] = this.sums.take();
    }
    for (const { gramsMost, wordsMost } of matches) {
      both.gramsMost += gramsMost;
      both.wordsMost += wordsMost;
    }
    return both;
  }

  #match(word, skeletons, partial) {
    const view = this.view(skeletons);
    const key = (partial ? "+" : "") + word;
    let found = view.matches.get(key);
    if (!found) {
      if (view.matches.size >= CACHED_WORDS) view.matches.clear();
      view.matches.set(key, found = this.#matched(view, word, skeletons, partial));
    }
    return found;
  }

  #matched(view, word, skeletons, partial) {
    const wanted = partial ? begun(view, word) : features(word);
    const completions = partial && !skeletons ? this.#completions(word) : [0, 0];
    const parts = wanted.map((feature) => this.#feature(view, feature));
    const alike = this.#alike(view, wanted);
    if (completions[0] < completions[1]) {
      for (let n = completions[0]; n < completions[1]; n++) {
        for (let i = this.from[n]; i < this.from[n + 1]; i++) this.sums.add(this.articles[i], this.counts[i]);
        alike.set(n, Math.max(alike.get(n) ?? 0, COMPLETION_LIKENESS));
      }
      const sums = this.sums.take();
      parts.push(this.#bm25(sums, sums.articles.length, EXACT_WEIGHT));
    }
    let gramsMost = 0;
    for (const { found, most } of parts) {
      gramsMost += most;
      for (let i = 0; i < found.articles.length; i++) this.sums.add(found.articles[i], found.values[i]);
    }
    const grams = this.sums.take();
    const { words, wordsMost, texts } = this.#byWords(alike);
    return { grams, gramsMost, words, wordsMost, texts, alike };
  }

  #feature(view, feature) {
    let found = view.found.get(feature);
    if (!found) {
      if (view.found.size >= CACHED_FEATURES) view.found.clear();
      for (const number of view.having.get(feature) ?? []) {
        for (let i = this.from[number]; i < this.from[number + 1]; i++) this.sums.add(this.articles[i], this.counts[i]);
      }
      const sums = this.sums.take();
      found = this.#bm25(sums, sums.articles.length, feature[0] === "=" ? EXACT_WEIGHT : 1);
      view.found.set(feature, found);
    }
    return found;
  }

  #alike(view, wanted) {
    const shared = new Map();
    let most = 0;
    for (const feature of wanted) {
      const rarity = view.rarity(feature);
      most += rarity;
      for (const number of view.having.get(feature) ?? []) shared.set(number, (shared.get(number) ?? 0) + rarity);
    }
    const alike = new Map();
    for (const [number, value] of shared) if (value > LIKENESS_FLOOR * most) alike.set(number, value / most);
    return alike;
  }

  /** The readings by words and by texts: frequency, greatest likeness and place of each article, in one pass. */
  #byWords(alike) {
    const { sums, peaks, places } = this;
    const { values, seen, touched } = sums, peak = peaks.values, place = places.values;
    for (const [number, likeness] of alike) {
      for (let i = this.from[number]; i < this.from[number + 1]; i++) {
        const article = this.articles[i];
        if (!seen[article]) {
          seen[article] = 1;
          touched[sums.size++] = article;
        }
        values[article] += likeness * this.counts[i];
        place[article] += likeness * this.shares[i];
        if (likeness > peak[article]) peak[article] = likeness;
      }
    }
    const frequency = sums.take();
    const { articles } = frequency, found = new Float64Array(articles.length);
    let holders = 0;
    for (let i = 0; i < articles.length; i++) {
      holders += peak[articles[i]];
      found[i] = place[articles[i]];
      peak[articles[i]] = place[articles[i]] = 0;
    }
    const { found: words, most: wordsMost } = this.#bm25(frequency, holders, 1);
    for (let i = 0; i < found.length; i++) found[i] *= wordsMost;
    return { words, wordsMost, texts: new Sparse(articles, found) };
  }

  #bm25({ articles, values }, holders, weight) {
    const idf = weight * Math.log(1 + (this.count - holders + 0.5) / (holders + 0.5));
    const found = new Float64Array(values.length);
    for (let i = 0; i < values.length; i++) {
      found[i] = (idf * (K1 + 1) * values[i]) / (values[i] + this.saturation[articles[i]]);
    }
    return { found: new Sparse(articles, found), most: idf };
  }

  #completions(word) {
    let low = 0, high = this.terms.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.terms[middle] < word) low = middle + 1;
      else high = middle;
    }
    let last = low;
    while (last < this.terms.length && last - low < COMPLETIONS_LIMIT && this.terms[last].startsWith(word)) last++;
    return [low, last];
  }

  // ── understanding ──

  /** The question in a text: its slots, and how it was understood. With `typing`, its last word may be going on. */
  read(text, typing = false) {
    text = text.slice(0, QUERY_LIMIT);
    const chunks = text.split(SPACE).filter(Boolean);
    const plain = chunks.map((chunk) => terms(chunk, this.language));
    if (this.#coverage(plain, false) < KNOWN_ENOUGH) {
      const changed = this.#otherScript(chunks, plain);
      if (changed) return changed;
    }
    const partial = typing && chunks.length > 0 && !/[\s\x1c-\x1f\x85]$/.test(text);
    const [slots, corrections] = this.#slots(distinct(plain), partial ? plain.at(-1).at(-1) ?? "" : "");
    if (!corrections.size) return { slots, shown: "", why: [] };
    return { slots, shown: replaced(chunks, plain, corrections), why: ["corrected"] };
  }

  /** The share of the words' letters that the index knows; 1 when there is nothing to judge. */
  #coverage(chunks, skeletons) {
    const view = this.view(skeletons);
    let known = 0, total = 0;
    for (const chunk of chunks) {
      for (const word of chunk) {
        if (!isPlain(word)) continue;
        known += word.length * this.#knownShare(view, word);
        total += word.length;
      }
    }
    return total ? known / total : 1;
  }

  #knownShare(view, word) {
    if (view.known(word) || view === this.views[0] && this.stop.has(word)) return 1;
    if (word.length <= 2) return 0;
    let known = 0, count = 0;
    for (const feature of features(word)) {
      if (feature[0] === "=" || feature[0] === "^") continue;
      count++;
      if (view.having.has(feature)) known++;
    }
    return known / count;
  }

  /** The question read as typed with another layout, or in Latin letters, where that explains it better. */
  #otherScript(chunks, plain) {
    const least = Math.max(LEAST_COVERAGE, this.#coverage(plain, false) + MARGIN);
    let found = null;
    for (const layout of this.#layouts(chunks)) {
      const typed = chunks.map((chunk) => this.#inLayout(layout, chunk));
      const words = typed.map((chunk) => terms(chunk, this.language));
      const coverage = this.#coverage(words, false);
      if (coverage >= least && (!found || coverage > found.coverage)) found = { coverage, typed, words };
    }
    if (this.cyrillic && plain.some((chunk) => chunk.some(isLatin))) {
      const words = plain.map((chunk) => chunk.map((word) => isLatin(word) ? skeletonOfLatin(word) : word));
      const coverage = this.#coverage(words, true);
      if (coverage >= least && (!found || coverage > found.coverage)) return this.#transliterated(chunks, plain);
    }
    return found && this.#withLayout(chunks, plain, found.typed, found.words);
  }

  #layouts(chunks) {
    const found = new Map();
    for (const chunk of chunks) {
      const counts = new Map();
      for (const [name] of otherLayouts(chunk, this.language)) {
        const reading = counts.get(name) ?? 0;
        found.set(name + reading, [name, reading]);
        counts.set(name, reading + 1);
      }
    }
    return [...found.values()];
  }

  #inLayout([layout, reading], chunk) {
    const readings = otherLayouts(chunk, this.language).filter(([name]) => name === layout);
    return readings.length ? readings[Math.min(reading, readings.length - 1)][1] : chunk;
  }

  #withLayout(chunks, plain, typed, words) {
    const keptChunks = [], kept = [];
    chunks.forEach((chunk, i) => {
      const own = plain[i].some(isPlain) ? this.#coverage([plain[i]], false) : 0;
      const better = own <= this.#coverage([words[i]], false);
      keptChunks.push(better ? typed[i] : chunk);
      kept.push(better ? words[i] : plain[i]);
    });
    const [slots, corrections] = this.#slots(distinct(kept), "");
    return { slots, shown: replaced(keptChunks, kept, corrections), why: ["layout"] };
  }

  #transliterated(chunks, plain) {
    const slots = [], corrections = new Map();
    for (const word of distinct(plain)) {
      if (!isLatin(word) || this.views[0].known(word)) {
        slots.push(slot([[1, [word]]]));
        continue;
      }
      const skeleton = skeletonOfLatin(word);
      const original = this.#commonest(skeleton);
      if (original) {
        corrections.set(word, original);
        slots.push(...this.#slots([original], "")[0]);
      } else if (skeleton) slots.push(slot([[1, [skeleton]]], 1, true));
    }
    return { slots, shown: replaced(chunks, plain, corrections), why: ["transliterated"] };
  }

  /** The index's or the stop list's word with this skeleton; of several, the one most articles have. */
  #commonest(skeleton) {
    let found = -1;
    for (const number of this.view(true).having.get("=" + skeleton) ?? []) {
      if (found < 0 || this.holders(number) > this.holders(found)) found = number;
    }
    if (found >= 0) return this.terms[found];
    this.stopSkeletons ??= new Map([...this.header.stop].map((word) => [skeletonOfCyrillic(word), word]));
    return this.stopSkeletons.get(skeleton) ?? "";
  }

  #slots(words, last) {
    const slots = [], corrections = new Map();
    words.forEach((word, position) => {
      const partial = word === last;
      const others = this.#corrections(word, partial);
      if (others.length && !partial) corrections.set(word, others[0][1][0]);
      const choices = [...others, [others.length ? 0.9 : 1, [word]], ...this.#meant(words, position)];
      slots.push(slot(choices, this.stop.has(word) ? STOP_WEIGHT : 1, false, partial));
    });
    return [slots, corrections];
  }

  /** The synonyms of phrases that begin at this word. */
  #meant(words, position) {
    const found = new Map();
    for (const [phrase, group] of this.synonyms.get(words[position]) ?? []) {
      if (!phrase.every((word, i) => words[position + i] === word)) continue;
      for (const other of group) if (other !== phrase) found.set(other.join(" "), other);
    }
    return [...found.values()].map((other) => [SYNONYM_DISCOUNT, other]);
  }

  #corrections(word, partial) {
    if (word.length < CORRECTED_FROM || !isPlain(word) || this.views[0].known(word) || this.stop.has(word)) return [];
    if (partial || this.synonyms.has(word) || this.table?.has(word)) return [];
    const found = this.#near(word, word.length >= LONG_FROM ? 2 : 1);
    const nearest = found[0]?.far;
    return found.filter(({ far }) => far === nearest).slice(0, CORRECTIONS_LIMIT)
      .map(({ far, number }) => [CORRECTION_DISCOUNT[far], [this.terms[number]]]);
  }

  /** Terms within `limit` edits: nearest first, then those that begin alike, then the commonest. */
  #near(word, limit) {
    this.signatures ??= Int32Array.from(this.terms, (term) => term.length >= 3 && isPlain(term) ? signature(term) : 0);
    const own = signature(word), found = [];
    for (let number = 0; number < this.terms.length; number++) {
      const term = this.terms[number];
      const difference = term.length - word.length;
      if (difference < -limit || difference > limit || !this.signatures[number]) continue;
      if (bits(own ^ this.signatures[number]) > 2 * limit) continue;
      const far = distance(word, term, limit);
      if (far <= limit) found.push({ far, other: term[0] !== word[0], holders: this.holders(number), number });
    }
    return found.sort((a, b) => a.far - b.far || a.other - b.other || b.holders - a.holders || a.number - b.number);
  }
}

function slot(choices, weight = 1, skeletons = false, partial = false) {
  return { choices, weight, skeletons, partial };
}

function numbered(found, numbers) {
  return found.map((term) => {
    let number = numbers.get(term);
    if (number === undefined) numbers.set(term, number = numbers.size);
    return number;
  });
}

function grow(pairs) {
  const term = new Int32Array(pairs.term.length * 2), count = new Uint16Array(term.length);
  term.set(pairs.term);
  count.set(pairs.count);
  pairs.term = term;
  pairs.count = count;
}

function byFirstWord(groups) {
  const found = new Map();
  for (const group of groups.map((phrases) => phrases.map((phrase) => phrase.split(" ")))) {
    for (const phrase of group) {
      if (!found.has(phrase[0])) found.set(phrase[0], []);
      found.get(phrase[0]).push([phrase, group]);
    }
  }
  return found;
}

/** The features of a word that may still be going on: none that claims to know its end. */
function begun(view, word) {
  const exact = view.known(word);
  return features(word).filter((f) => f.at(-1) !== ">" && (exact || f[0] !== "="));
}

function distinct(chunks) {
  return [...new Set(chunks.flat())].slice(0, WORDS_LIMIT);
}

function signature(word) {
  let found = 0;
  for (let i = 0; i < word.length; i++) found |= 1 << (word.charCodeAt(i) & 31);
  return found;
}

function bits(n) {
  n -= (n >>> 1) & 0x55555555;
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return (((n + (n >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}

/** Edits between two words, swapped neighbours counting as one (optimal string alignment); at most `limit` + 1. */
export function distance(a, b, limit) {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before = [], last = [], row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    [before, last, row] = [last, row, [i]];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      let cost = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, before[j - 2] + 1);
      row.push(cost);
      if (cost < least) least = cost;
    }
    if (least > limit) return limit + 1;
  }
  return Math.min(row[b.length], limit + 1);
}

/** The question with corrected words, and the punctuation around them as it was. */
function replaced(chunks, plain, corrections) {
  return chunks.map((chunk, i) => {
    const words = plain[i];
    if (words.length === 1 && corrections.has(words[0])) {
      const [, before, , after] = /^([^\p{L}\p{N}_]*)(.*?)([^\p{L}\p{N}_]*)$/su.exec(chunk);
      return before + corrections.get(words[0]) + after;
    }
    return words.some((word) => corrections.has(word)) ? words.map((word) => corrections.get(word) ?? word).join(" ") : chunk;
  }).join(" ");
}
