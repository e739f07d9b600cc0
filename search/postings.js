/**
 * The index rebuilt from the texts of an unpacked file: terms in sorted order, and for each the articles that have it,
 * how often, and what it weighs among their texts. The texts are walked once; everything is in flat arrays, as this is
 * what a page waits for.
 */

import { core } from "./packed.js";
import { terms as termsOf } from "./terms.js";
import { rarity } from "./vectors.js";

/** A word of the title, the tags or the questions counts as so many of the text. */
export const ASKING_WEIGHT = 2;

/**
 * @param {{title: number, questions: number[], anchors: string[][]}} articles columns of the file's header
 * @param {string[]} dictionary tokens by number
 * @param {Int32Array} tokens the texts, each field ended by 0
 */
export function postings(articles, dictionary, tokens, language) {
  const words = new Words(dictionary, language);
  const counted = count(articles, tokens, words);
  return { ...words, ...counted.texts, ...byTerm(words.terms.length, counted, shares(words.terms.length, counted)) };
}

/** The terms of each token of the dictionary, by the terms' numbers in sorted order. */
class Words {
  constructor(dictionary, language) {
    const numbers = new Map(), several = [];
    /** The number of the token's only term, or -1. */
    this.single = new Int32Array(dictionary.length).fill(-1);
    for (let token = 1; token < dictionary.length; token++) {
      const found = termsOf(core(dictionary[token]), language);
      for (let i = 0; i < found.length; i++) if (!numbers.has(found[i])) numbers.set(found[i], numbers.size);
      if (found.length === 1) this.single[token] = numbers.get(found[0]);
      else if (found.length) several.push([token, found]);
    }
    this.terms = [...numbers.keys()].sort();
    const sorted = new Int32Array(numbers.size);
    for (let i = 0; i < this.terms.length; i++) sorted[numbers.get(this.terms[i])] = i;
    for (let token = 1; token < dictionary.length; token++) {
      if (this.single[token] >= 0) this.single[token] = sorted[this.single[token]];
    }
    /** Token → terms, where they are several. */
    this.several = new Map(several.map(([token, found]) => [token, found.map((term) => sorted[numbers.get(term)])]));
  }
}

/**
 * Walks the texts: a pair is a term and how often an article has it; a part, a pair and how often one field has it.
 */
function count({ questions, anchors }, tokens, { terms, single, several }) {
  const size = anchors.length;
  const pairs = new Rows(tokens.length), parts = new Rows(tokens.length);
  const lengths = new Float64Array(size), pairsFrom = new Int32Array(size + 1), partsFrom = [0];
  const ofArticle = new Int32Array(terms.length).fill(-1), ofField = new Int32Array(terms.length).fill(-1);
  const fields = [];
  let at = 0, field = 0, article = 0, weight = 1;
  const add = (term) => {
    lengths[article]++;
    let pair = ofArticle[term];
    if (pair < pairsFrom[article]) pair = ofArticle[term] = pairs.push(term);
    pairs.number[pair] += weight;
    let part = ofField[term];
    if (part < partsFrom[field]) part = ofField[term] = parts.push(pair);
    parts.number[part]++;
  };
  for (; article < size; article++) {
    const asking = 2 + questions[article];
    const starts = new Int32Array(asking + 2 * anchors[article].length + 1);
    pairsFrom[article] = pairs.size;
    for (let i = 0; i + 1 < starts.length; i++) {
      starts[i] = at;
      weight = i < asking ? ASKING_WEIGHT : 1;
      for (; tokens[at] !== 0; at++) {
        const token = tokens[at], term = single[token];
        if (term >= 0) add(term);
        else if (several.has(token)) for (const one of several.get(token)) add(one);
      }
      at++;
      partsFrom[++field] = parts.size;
    }
    starts[starts.length - 1] = at;
    fields.push(starts);
  }
  pairsFrom[size] = pairs.size;
  return { texts: { fields, lengths }, pairs, parts, pairsFrom, partsFrom };
}

/** Two growing columns of numbers: keys, and how often. */
class Rows {
  constructor(capacity) {
    this.key = new Int32Array(capacity + 16);
    this.number = new Uint16Array(capacity + 16);
    this.size = 0;
  }

  push(key) {
    if (this.size === this.key.length) this.#grow();
    this.key[this.size] = key;
    return this.size++;
  }

  #grow() {
    const key = new Int32Array(this.key.length * 2), number = new Uint16Array(key.length);
    key.set(this.key);
    number.set(this.number);
    this.key = key;
    this.number = number;
  }
}

/** What each pair's term weighs in its article's place among its texts; see kb/index/centroids.py. */
function shares(size, { texts, pairs, parts, pairsFrom, partsFrom }) {
  const articles = texts.fields.length;
  const holders = new Int32Array(size);
  for (let i = 0; i < pairs.size; i++) holders[pairs.key[i]]++;
  const rarities = new Float64Array(size);
  for (let term = 0; term < size; term++) rarities[term] = rarity(holders[term], articles);
  const found = new Float64Array(pairs.size), weights = new Float64Array(parts.size);
  for (let field = 0; field + 1 < partsFrom.length; field++) {
    let sum = 0;
    const last = partsFrom[field + 1];
    for (let i = partsFrom[field]; i < last; i++) {
      const times = parts.number[i], worth = rarities[pairs.key[parts.key[i]]];
      const weight = weights[i] = times === 1 ? worth : (1 + Math.log(times)) * worth;
      sum += weight * weight;
    }
    const factor = 1 / Math.sqrt(sum);
    for (let i = partsFrom[field]; i < last; i++) found[parts.key[i]] += weights[i] * factor;
  }
  for (let article = 0; article < articles; article++) {
    let sum = 0;
    for (let i = pairsFrom[article]; i < pairsFrom[article + 1]; i++) sum += found[i] * found[i];
    const norm = Math.sqrt(sum);
    for (let i = pairsFrom[article]; i < pairsFrom[article + 1]; i++) found[i] /= norm;
  }
  return found;
}

/** Turns pairs by article into postings by term. */
function byTerm(size, { pairs, pairsFrom }, weights) {
  const from = new Int32Array(size + 1);
  for (let i = 0; i < pairs.size; i++) from[pairs.key[i] + 1]++;
  for (let i = 0; i < size; i++) from[i + 1] += from[i];
  const next = from.slice();
  const articles = new Int32Array(pairs.size), counts = new Uint16Array(pairs.size), shares = new Float32Array(pairs.size);
  for (let article = 0; article + 1 < pairsFrom.length; article++) {
    for (let i = pairsFrom[article]; i < pairsFrom[article + 1]; i++) {
      const place = next[pairs.key[i]]++;
      articles[place] = article;
      counts[place] = pairs.number[i];
      shares[place] = weights[i];
    }
  }
  return { from, articles, counts, shares };
}
