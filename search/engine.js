/**
 * The search engine of the browser: questions understood, articles ranked. The mathematics and their reasons are those
 * of kb/index/ranking.py and kb/index/understanding.py; the two are held to the same order of results.
 */

import { join, unpack } from "./packed.js";
import { MARK_FROM, Passages } from "./passages.js";
import { postings } from "./postings.js";
import { isLatin, otherLayouts, scriptOf, skeletonOfCyrillic, skeletonOfLatin } from "./scripts.js";
import { Vocabulary } from "./spelling.js";
import { EXACT_WEIGHT, features, isPlain, SPACE, terms, TERMS_VERSION } from "./terms.js";
import { openTable, SHARE, STOP_WEIGHT as STOP_MEANING, toUnit, weight as meaningWeight } from "./vectors.js";
import { View } from "./view.js";

export const K1 = 2;
export const B = 0.75;
const SCALE = K1 + 1;
const GRAM_SHARE = 0.5;
/** What the cosine with the article's place among its texts counts, against 1 for the rest. */
const TEXTS_SHARE = 0.25;
const LIKENESS_FLOOR = 0.15;
const COMPLETION_LIKENESS = 0.9;
const COMPLETIONS_LIMIT = 200;
/** Values kept of words that questions repeat. */
const CACHED_VALUES = 2_000_000;
const SCORE_UNIT = 1e6;
const WARMING_STEPS = 12;

export const THRESHOLD = 0.21;
export const THRESHOLD_WITH_VECTORS = 0.31;
const STAND_INS = 3;
/** Characters of a question that are read. */
export const QUERY_LIMIT = 2000;
const WORDS_LIMIT = 64;
const STOP_WEIGHT = 0.7;
const SYNONYM_DISCOUNT = 0.8;
const CORRECTION_DISCOUNT = [1, 0.95, 0.85];
const CORRECTIONS_LIMIT = 3;
/** Words of a question that are looked for among those they are like: of all that takes the longest. */
const DOUBTED_LIMIT = 8;
const CORRECTED_FROM = 4;
/** Where it is known which short words there are. */
const CORRECTED_FROM_WITH_WORDS = 3;
const KNOWN_ENOUGH = 0.75;
const MARGIN = 0.25;
const LEAST_COVERAGE = 0.5;

/** Opens the bytes of an index file. */
export async function open(buffer) {
  const { header, dictionary, tokens } = await unpack(buffer);
  if (header.terms !== TERMS_VERSION) throw new Error("a search index of another version");
  return new Index(header, dictionary, tokens);
}

/** Values by number, of articles or terms, only where there are any. */
class Sparse {
  constructor(numbers, values) {
    this.numbers = numbers;
    this.values = values;
  }
}

/** Adds positive values by number and hands them out as Sparse; used over and over, so that a query allocates little. */
class Sums {
  constructor(count) {
    this.values = new Float64Array(count);
    this.touched = new Int32Array(count);
    this.size = 0;
  }

  add(number, value) {
    if (this.values[number] === 0) this.touched[this.size++] = number;
    this.values[number] += value;
  }

  raise(number, value) {
    const before = this.values[number];
    if (before === 0) this.touched[this.size++] = number;
    if (value > before) this.values[number] = value;
  }

  addAll({ numbers, values }, factor) {
    if (!(factor > 0)) return;
    const sums = this.values, touched = this.touched;
    let size = this.size;
    for (let i = 0; i < numbers.length; i++) {
      const number = numbers[i];
      if (sums[number] === 0) touched[size++] = number;
      sums[number] += factor * values[i];
    }
    this.size = size;
  }

  take() {
    const numbers = this.touched.slice(0, this.size), values = new Float64Array(this.size);
    for (let i = 0; i < numbers.length; i++) values[i] = this.values[numbers[i]];
    this.clear();
    return new Sparse(numbers, values);
  }

  clear() {
    for (let i = 0; i < this.size; i++) this.values[this.touched[i]] = 0;
    this.size = 0;
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
    const found = postings(header.articles, dictionary, tokens, this.language);
    this.terms = found.terms;
    this.from = found.from;
    this.articles = found.articles;
    this.counts = found.counts;
    this.shares = found.shares;
    this.fields = found.fields;
    const average = found.lengths.reduce((a, b) => a + b, 0) / Math.max(1, this.count) || 1;
    this.saturation = found.lengths.map((length) => K1 * (1 - B + (B * length) / average));
    this.views = [new View(this.terms), null];
    this.vocabulary = null;
    this.sums = new Sums(this.count);
    this.grams = new Sums(this.count);
    this.totals = new Sums(this.count);
    this.peaks = new Float64Array(this.count);
    this.places = new Float64Array(this.count);
    this.likeness = new Sums(this.terms.length);
    this.passages = new Passages(dictionary, tokens, found, this.language);
    this.kept = 0;
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
    this.vocabulary = null;
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
    this.#scores(question.slots);
    this.#addMeaning(question.slots);
    const ranked = this.#best(limit, category);
    const likeness = this.#likeness(question.slots);
    const results = ranked.map(([score, article]) => this.#result(article, score, likeness, question.why));
    return { results, shown: question.shown, why: question.why };
  }

  /**
   * Asks itself a mistyped title, another each time: what a first question would have to wait for, runtimes compile and
   * the engine makes once, is then there. `step` counts from 0; returns whether another call would do any good.
   */
  warm(step) {
    if (this.count === 0) return false;
    if (step === 1 && this.cyrillic) this.view(true);
    const fields = this.fields[Math.floor((step * this.count) / WARMING_STEPS)];
    const title = join(this.tokens, this.dictionary, fields[0], fields[1] - 1);
    this.search(title.replace(/(\p{L}{2})(\p{L})(\p{L})/u, "$1$3$2"), { typing: step % 2 === 1 });
    return step + 1 < WARMING_STEPS;
  }

  /** The article as this language's readers get it, without a question; undefined when they do not. */
  present(id) {
    this.numbers ??= new Map(this.header.articles.id.map((name, number) => [name, number]));
    const article = this.numbers.get(id);
    return article === undefined ? undefined : this.#result(article, 0, new Map(), []);
  }

  category(article) {
    const { category, id } = this.header.articles;
    return category[article] || id[article].split("/").slice(0, -1).join("/");
  }

  /** Empties the totals into the best of them: [score, article], rounded, as the two engines add in another order. */
  #best(limit, category) {
    const { values, touched, size } = this.totals, found = [];
    for (let i = 0; i < size; i++) {
      const article = touched[i], score = Math.round(values[article] * SCORE_UNIT) / SCORE_UNIT;
      if (found.length === limit && !isBefore(score, article, found[limit - 1])) continue;
      if (category && this.category(article) !== category) continue;
      let place = Math.min(found.length, limit - 1);
      for (; place > 0 && isBefore(score, article, found[place - 1]); place--) found[place] = found[place - 1];
      if (limit > 0) found[place] = [score, article];
    }
    this.totals.clear();
    return found;
  }

  #result(article, score, likeness, why) {
    const { id, url, origin, questions, anchors } = this.header.articles;
    const fields = this.fields[article], first = 2 + questions[article];
    return {
      id: id[article],
      url: url[article] || id[article] + "/",
      title: join(this.tokens, this.dictionary, fields[0], fields[1] - 1),
      category: this.category(article),
      passage: this.passages.best(anchors[article], fields.subarray(first), likeness),
      score,
      language: this.language,
      matched: this.language,
      origin: origin[article] || "written",
      why,
    };
  }

  /** Which terms answer which slot, for marking them: term → [slot, value]. */
  #likeness(slots) {
    const found = new Map();
    slots.forEach((slot, number) => {
      for (const [discount, words] of slot.choices) {
        for (const word of words) {
          const match = this.#match(word, slot.skeletons, false);
          const worth = discount * slot.weight * match.wordsMost;
          const { numbers, values } = match.alike;
          for (let i = 0; i < numbers.length; i++) {
            const value = values[i] * worth;
            if (values[i] >= MARK_FROM && value > (found.get(numbers[i])?.[1] ?? 0)) found.set(numbers[i], [number, value]);
          }
        }
      }
    });
    return found;
  }

  // ── meaning ──

  /** Makes one number up to 1 of the totals and of how near the articles' meaning is to the question's. */
  #addMeaning(slots) {
    if (!this.table) return;
    const { totals } = this, { dimensions } = this.table;
    for (let i = 0; i < totals.size; i++) totals.values[totals.touched[i]] /= 1 + SHARE;
    const meant = new Float64Array(dimensions);
    for (const slot of slots) {
      for (const word of slot.choices[0][1]) {
        for (const [term, share] of this.#inTable(slot, word)) {
          const stop = this.stop.has(term) ? STOP_MEANING : 1;
          this.table.addTo(meant, term, share * stop * meaningWeight(this.#holdersOf(term), this.count));
        }
      }
    }
    if (!toUnit(meant)) return;
    for (let article = 0, at = 0; article < this.count; article++, at += dimensions) {
      let dot = 0;
      for (let d = 0; d < dimensions; d++) dot += meant[d] * this.vectors[at + d];
      if (dot > 0) totals.add(article, (SHARE * dot) / (1 + SHARE));
    }
  }

  /** The word itself, or where the table lacks it the terms most like it, with their shares. */
  #inTable(slot, word) {
    if (!slot.skeletons && this.table.has(word)) return [[word, 1]];
    const { numbers, values } = this.#match(word, slot.skeletons, false).alike, near = [];
    for (let i = 0; i < numbers.length; i++) {
      if (values[i] >= MARK_FROM && this.table.has(this.terms[numbers[i]])) near.push([numbers[i], values[i]]);
    }
    const chosen = near.sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, STAND_INS);
    const whole = chosen.reduce((sum, [, value]) => sum + value, 0);
    return chosen.map(([number, value]) => [this.terms[number], (value * value) / whole]);
  }

  #holdersOf(term) {
    const number = this.views[0].of(term)[0];
    return number === undefined ? 0 : this.holders(number);
  }

  // ── ranking ──

  /** Leaves the articles' scores in the totals. */
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
    const { totals, sums } = this;
    this.#blend(totals, grams, gramsMost ? GRAM_SHARE / (SCALE * gramsMost) : 0);
    this.#blend(totals, words, wordsMost ? (1 - GRAM_SHARE) / (SCALE * wordsMost) : 0);
    this.#blend(sums, texts, length ? 1 / Math.sqrt(length) : 0);
    for (let i = 0; i < totals.size; i++) {
      const article = totals.touched[i], cosine = Math.min(1, sums.values[article]);
      totals.values[article] = (totals.values[article] + TEXTS_SHARE * cosine) / (1 + TEXTS_SHARE);
    }
    sums.clear();
  }

  /** Adds each slot's best choice, each choice as a share of its own most. */
  #blend(total, slots, share) {
    for (const [choices, weight] of slots) {
      if (choices.length === 1) {
        const [discount, found, most] = choices[0];
        total.addAll(found, most ? (share * discount * weight) / most : 0);
      } else total.addAll(this.#highest(choices, weight), share);
    }
  }

  #highest(choices, weight) {
    const raised = this.raised ??= new Sums(this.count);
    for (const [discount, { numbers, values }, most] of choices) {
      const factor = most ? (discount * weight) / most : 0;
      if (factor > 0) for (let i = 0; i < numbers.length; i++) raised.raise(numbers[i], factor * values[i]);
    }
    return raised.take();
  }

  #choice(slot, words) {
    const last = words.length - 1;
    const matches = words.map((word, i) => this.#match(word, slot.skeletons, slot.partial && i === last));
    return matches.length === 1 ? matches[0] : this.#sum(matches);
  }

  #sum(matches) {
    const both = { gramsMost: 0, wordsMost: 0 };
    for (const part of ["grams", "words", "texts"]) {
      for (const match of matches) this.sums.addAll(match[part], 1);
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
      found = this.#matched(view, word, skeletons, partial);
      this.#makeRoom(found.grams.numbers.length + 2 * found.words.numbers.length);
      view.matches.set(key, found);
    }
    return found;
  }

  /** Forgets everything when what is kept has become too much. */
  #makeRoom(size) {
    this.kept += size;
    if (this.kept > CACHED_VALUES) {
      for (const view of this.views) view?.matches.clear();
      this.kept = size;
    }
  }

  #matched(view, word, skeletons, partial) {
    const wanted = partial ? begun(view, word) : features(word);
    const completions = partial && !skeletons ? this.#completions(word) : [0, 0];
    let gramsMost = 0;
    for (const name of wanted) gramsMost += this.#addFeature(view.having(view.feature(name)), weightOf(name));
    this.#gatherAlike(view, wanted);
    if (completions[0] < completions[1]) {
      const numbers = Int32Array.from({ length: completions[1] - completions[0] }, (_, i) => completions[0] + i);
      gramsMost += this.#addFeature(numbers, EXACT_WEIGHT);
      for (const number of numbers) this.likeness.raise(number, COMPLETION_LIKENESS);
    }
    const alike = this.likeness.take(), grams = this.grams.take();
    const { words, wordsMost, texts } = this.#byWords(alike);
    return { grams, gramsMost, words, wordsMost, texts, alike };
  }

  /** Adds to `grams` what articles with any of the terms are worth, BM25 of them as one; returns the most it could be. */
  #addFeature(numbers, weight) {
    const { from, articles, counts, sums, grams, saturation } = this, { values, touched } = sums;
    let size = 0;
    for (let k = 0; k < numbers.length; k++) {
      for (let i = from[numbers[k]], last = from[numbers[k] + 1]; i < last; i++) {
        const article = articles[i];
        if (values[article] === 0) touched[size++] = article;
        values[article] += counts[i];
      }
    }
    const most = this.#idf(size, weight), top = most * (K1 + 1), total = grams.values, order = grams.touched;
    let all = grams.size;
    for (let i = 0; i < size; i++) {
      const article = touched[i], frequency = values[article];
      values[article] = 0;
      if (total[article] === 0) order[all++] = article;
      total[article] += (top * frequency) / (frequency + saturation[article]);
    }
    grams.size = all;
    return most;
  }

  /** Leaves in `likeness` the terms that share enough of the features, and how much of them by rarity. */
  #gatherAlike(view, wanted) {
    const { likeness } = this, { values, touched } = likeness;
    let most = 0;
    for (const name of wanted) {
      const feature = view.feature(name), rarity = view.rarity(feature, weightOf(name));
      most += rarity;
      for (const number of view.having(feature)) {
        if (values[number] === 0) touched[likeness.size++] = number;
        values[number] += rarity;
      }
    }
    let size = 0;
    for (let i = 0; i < likeness.size; i++) {
      const number = touched[i];
      if (values[number] > LIKENESS_FLOOR * most) {
        values[number] /= most;
        touched[size++] = number;
      } else values[number] = 0;
    }
    likeness.size = size;
  }

  /** The readings by words and by texts: frequency, greatest likeness and place of each article, in one pass. */
  #byWords(alike) {
    const { sums, peaks, places, from, articles, counts, shares } = this, { values, touched } = sums;
    let { size } = sums;
    for (let k = 0; k < alike.numbers.length; k++) {
      const number = alike.numbers[k], likeness = alike.values[k];
      for (let i = from[number]; i < from[number + 1]; i++) {
        const article = articles[i];
        if (values[article] === 0) touched[size++] = article;
        values[article] += likeness * counts[i];
        places[article] += likeness * shares[i];
        if (likeness > peaks[article]) peaks[article] = likeness;
      }
    }
    sums.size = size;
    const frequency = sums.take(), { numbers } = frequency, found = new Float64Array(numbers.length);
    let holders = 0;
    for (let i = 0; i < numbers.length; i++) {
      holders += peaks[numbers[i]];
      found[i] = places[numbers[i]];
      peaks[numbers[i]] = places[numbers[i]] = 0;
    }
    const wordsMost = this.#idf(holders, 1), top = wordsMost * (K1 + 1), { values: frequencies } = frequency;
    const words = new Float64Array(numbers.length);
    for (let i = 0; i < numbers.length; i++) {
      words[i] = (top * frequencies[i]) / (frequencies[i] + this.saturation[numbers[i]]);
      found[i] *= wordsMost;
    }
    return { words: new Sparse(numbers, words), wordsMost, texts: new Sparse(numbers, found) };
  }

  #idf(holders, weight) {
    return weight * Math.log(1 + (this.count - holders + 0.5) / (holders + 0.5));
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
    const parts = features(word).filter((name) => name[0] !== "=" && name[0] !== "^");
    return parts.filter((name) => view.feature(name) >= 0).length / parts.length;
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
    for (const number of this.view(true).of(skeleton)) {
      if (found < 0 || this.holders(number) > this.holders(found)) found = number;
    }
    if (found >= 0) return this.terms[found];
    this.stopSkeletons ??= new Map([...this.header.stop].map((word) => [skeletonOfCyrillic(word), word]));
    return this.stopSkeletons.get(skeleton) ?? "";
  }

  #slots(words, last) {
    const slots = [], corrections = new Map();
    const doubted = new Set(words.filter((word) => word !== last && this.#isDoubted(word)).slice(0, DOUBTED_LIMIT));
    words.forEach((word, position) => {
      const partial = word === last;
      const others = doubted.has(word) ? this.#corrections(word) : [];
      if (others.length && this.#isTold(word, others[0][1][0])) corrections.set(word, others[0][1][0]);
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

  /** Whether the word may be a typing error. */
  #isDoubted(word) {
    if (word.length < (this.table ? CORRECTED_FROM_WITH_WORDS : CORRECTED_FROM) || !isPlain(word)) return false;
    return !(this.views[0].known(word) || this.stop.has(word) || this.synonyms.has(word) || this.table?.has(word));
  }

  #corrections(word) {
    const vocabulary = this.#vocabulary(), { distance, numbers } = vocabulary.near(word);
    const ranked = numbers.map((number) => ({
      other: vocabulary.words[number][0] !== word[0],
      holders: number < this.terms.length ? this.holders(number) : 0,
      number,
    })).sort((a, b) => a.other - b.other || b.holders - a.holders || a.number - b.number);
    return ranked.slice(0, CORRECTIONS_LIMIT)
      .map(({ number }) => [CORRECTION_DISCOUNT[distance], [vocabulary.words[number]]]);
  }

  /** Short names and abbreviations are like many words: of those that no article has none is said to be meant. */
  #isTold(word, meant) {
    return word.length >= CORRECTED_FROM || this.views[0].known(meant);
  }

  /** The words that people may have meant: the terms by their numbers, then other words of the language. */
  #vocabulary() {
    if (!this.vocabulary) {
      const others = [...this.table?.words() ?? []].filter((word) => !this.views[0].known(word));
      this.vocabulary = new Vocabulary([...this.terms, ...others.sort()]);
    }
    return this.vocabulary;
  }
}

function isBefore(score, article, [other, number]) {
  return score > other || score === other && article < number;
}

function weightOf(feature) {
  return feature[0] === "=" ? EXACT_WEIGHT : 1;
}

function slot(choices, weight = 1, skeletons = false, partial = false) {
  return { choices, weight, skeletons, partial };
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
