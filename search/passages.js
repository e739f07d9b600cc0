/** The part of an article that answers, with the words that made it so marked. Twin of kb/index/passages.py. */

import { anchorOf, join, LINE_END, TO_LEFT, TO_RIGHT } from "./packed.js";
import { terms, WORD } from "./terms.js";

export const LENGTH = 180;
export const LENGTH_LIMIT = 280;
export const MARK_FROM = 0.5;
const HEADING_SHARE = 0.5;
const SENTENCE_LIMIT_CHUNKS = 40;
const ENDS = /[.!?…。！？؟।]["')»”’\]]*$/;
const PAUSES = /[.!?…。！？؟।:;,،؛]["')»”’\]]*$/;
const CORE = new RegExp(`${WORD}(?:.*${WORD})?`, "su");

const IN_CHUNK = 0, BOUND_LEFT = 1, BOUND_RIGHT = 2, NEW_LINE = 3;
const ENDING = 4;

/**
 * Looks for the sentence among the tokens of an article, and makes text of the section it is in alone: of all that a
 * query does, reading whole articles anew would take the longest.
 */
export class Passages {
  /** @param {{terms: string[], single: Int32Array, several: Map<number, number[]>}} words terms of each token */
  constructor(dictionary, tokens, words, language) {
    this.dictionary = dictionary;
    this.tokens = tokens;
    this.words = words;
    this.language = language;
    this.kinds = Uint8Array.from(dictionary, kind);
  }

  /**
   * @param {(string|number)[]} anchors of the sections, as the file has them
   * @param {Int32Array} fields where each section's heading and text begin, and one more
   * @param {Map<number, [number, number]>} likeness term → [slot, value]
   */
  best(anchors, fields, likeness) {
    const heading = (section) => join(this.tokens, this.dictionary, fields[2 * section], fields[2 * section + 1] - 1);
    const found = this.#sentence(anchors.length, fields, likeness);
    const anchor = (section) => anchorOf(anchors[section], heading(section));
    if (!found) {
      return anchors.length ? { text: "", anchor: anchor(0), heading: heading(0), marks: [] }
        : { text: "", anchor: "", heading: "", marks: [] };
    }
    const { section, position } = found;
    const whole = join(this.tokens, this.dictionary, fields[2 * section + 1], fields[2 * section + 2] - 1);
    const text = extended(whole, sentences(whole), position);
    const names = new Set();
    for (const term of likeness.keys()) names.add(this.words.terms[term]);
    return { text, anchor: anchor(section), heading: heading(section), marks: marksIn(text, names, this.language) };
  }

  /** The section and position of the sentence with most of what was asked for; null where there is none. */
  #sentence(sections, fields, likeness) {
    const sum = new Slots(likeness);
    let found = null;
    for (let section = 0; section < sections; section++) {
      this.#walk(fields[2 * section], fields[2 * section + 1] - 1, sum, () => {});
      const heading = HEADING_SHARE * sum.take();
      let position = 0;
      this.#walk(fields[2 * section + 1], fields[2 * section + 2] - 1, sum, () => {
        const worth = heading + sum.take();
        if (!found || worth > found.worth + 1e-9) found = { worth, section, position };
        position++;
      });
    }
    return found;
  }

  /** Adds up the words of tokens `from` to `to`; `ended` is called at the end of each sentence. */
  #walk(from, to, sum, ended) {
    const { tokens, kinds } = this, { single, several } = this.words;
    let chunks = 0;
    for (let at = from; at < to; at++) {
      const token = tokens[at], kind = kinds[token] & 3;
      if (kind === NEW_LINE || kind === BOUND_RIGHT) continue;
      if (kind === IN_CHUNK) {
        const term = single[token];
        if (term >= 0) sum.add(term);
        else if (several.has(token)) for (const one of several.get(token)) sum.add(one);
        chunks++;
        if (at + 1 < to && (kinds[tokens[at + 1]] & 3) === BOUND_LEFT) continue;
      }
      const next = at + 1 < to ? kinds[tokens[at + 1]] & 3 : IN_CHUNK;
      if (next === NEW_LINE || kinds[token] & ENDING || chunks >= SENTENCE_LIMIT_CHUNKS) {
        ended();
        chunks = 0;
      }
    }
    if (chunks) ended();
  }
}

/** Of each slot the most valuable word met. */
class Slots {
  constructor(likeness) {
    this.likeness = likeness;
    this.values = new Map();
  }

  add(term) {
    const like = this.likeness.get(term);
    if (like && like[1] > (this.values.get(like[0]) ?? 0)) this.values.set(like[0], like[1]);
  }

  take() {
    if (!this.values.size) return 0;
    let sum = 0;
    for (const worth of this.values.values()) sum += worth;
    this.values.clear();
    return sum;
  }
}

function kind(token) {
  if (token === LINE_END) return NEW_LINE;
  const place = token[0] === TO_LEFT ? BOUND_LEFT : token[0] === TO_RIGHT ? BOUND_RIGHT : IN_CHUNK;
  return place !== BOUND_RIGHT && ENDS.test(token) ? place | ENDING : place;
}

function* chunksOf(text) {
  for (const match of text.matchAll(/\S+/g)) yield [match.index, match[0]];
}

function sentences(text) {
  const spans = [];
  let start = -1, end = 0, count = 0;
  for (const [at, chunk] of chunksOf(text)) {
    if (start < 0) start = at;
    end = at + chunk.length;
    count++;
    if (count >= SENTENCE_LIMIT_CHUNKS || text[end] === "\n" || ENDS.test(chunk)) {
      spans.push([start, end]);
      start = -1;
      count = 0;
    }
  }
  if (start >= 0) spans.push([start, end]);
  return spans;
}

function extended(text, spans, position) {
  const [start, first] = spans[position];
  let end = first;
  for (let i = position + 1; i < spans.length; i++) {
    if (end - start >= LENGTH || spans[i][1] - start > LENGTH_LIMIT) break;
    end = spans[i][1];
  }
  const passage = inOneLine(text.slice(start, end));
  if (passage.length <= LENGTH_LIMIT) return passage;
  const space = passage.lastIndexOf(" ", LENGTH_LIMIT - 1);
  return passage.slice(0, space > LENGTH ? space : LENGTH_LIMIT).trimEnd() + "…";
}

/** List items and rows that end without a full stop would run together. */
function inOneLine(text) {
  return text.split("\n").reduce((before, line) => before + (PAUSES.test(before) ? " " : " • ") + line);
}

function marksIn(text, names, language) {
  const marks = [];
  if (!names.size) return marks;
  for (const [at, chunk] of chunksOf(text)) {
    if (!terms(chunk, language).some((term) => names.has(term))) continue;
    const core = CORE.exec(chunk);
    if (core) marks.push([at + core.index, at + core.index + core[0].length]);
  }
  return marks;
}
