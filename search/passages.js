/** The part of an article that answers, with the words that made it so marked. Twin of kb/index/passages.py. */

import { WORD } from "./terms.js";

export const LENGTH = 180;
export const LENGTH_LIMIT = 280;
export const MARK_FROM = 0.5;
const HEADING_SHARE = 0.5;
const SENTENCE_LIMIT_CHUNKS = 40;
const ENDS = /[.!?…。！？؟।]["')»”’\]]*$/;
const CORE = new RegExp(`${WORD}(?:.*${WORD})?`, "su");

/**
 * @param {{anchor: string, heading: string, text: string}[]} sections
 * @param {Map<string, [number, number]>} likeness term → [slot, value]
 * @param {(chunk: string) => string[]} toTerms
 */
export function best(sections, likeness, toTerms) {
  let found = null;
  const cut = sections.map((section) => sentences(section.text));
  sections.forEach((section, number) => {
    const heading = HEADING_SHARE * value(section.heading, likeness, toTerms);
    cut[number].forEach(([start, end], position) => {
      const worth = heading + value(section.text.slice(start, end), likeness, toTerms);
      if (!found || worth > found.worth + 1e-9) found = { worth, number, position };
    });
  });
  if (!found) return { text: "", anchor: sections[0]?.anchor ?? "", heading: sections[0]?.heading ?? "", marks: [] };
  const section = sections[found.number];
  const text = extended(section.text, cut[found.number], found.position);
  return { text, anchor: section.anchor, heading: section.heading, marks: marksIn(text, likeness, toTerms) };
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

function value(text, likeness, toTerms) {
  const values = new Map();
  for (const [, chunk] of chunksOf(text)) {
    for (const term of toTerms(chunk)) {
      const like = likeness.get(term);
      if (like && like[1] > (values.get(like[0]) ?? 0)) values.set(like[0], like[1]);
    }
  }
  let sum = 0;
  for (const worth of values.values()) sum += worth;
  return sum;
}

function extended(text, spans, position) {
  const [start, first] = spans[position];
  let end = first;
  for (let i = position + 1; i < spans.length; i++) {
    if (end - start >= LENGTH || spans[i][1] - start > LENGTH_LIMIT) break;
    end = spans[i][1];
  }
  const passage = text.slice(start, end).replaceAll("\n", " ");
  if (passage.length <= LENGTH_LIMIT) return passage;
  const space = passage.lastIndexOf(" ", LENGTH_LIMIT - 1);
  return passage.slice(0, space > LENGTH ? space : LENGTH_LIMIT).trimEnd() + "…";
}

function marksIn(text, likeness, toTerms) {
  const marks = [];
  for (const [at, chunk] of chunksOf(text)) {
    if (!toTerms(chunk).some((term) => likeness.has(term))) continue;
    const core = CORE.exec(chunk);
    if (core) marks.push([at + core.index, at + core.index + core[0].length]);
  }
  return marks;
}
