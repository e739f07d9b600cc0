/** Which of the words it knows a mistyped one may be. Twin of kb/index/spelling.py. */

import { isPlain } from "./terms.js";

/** Letters from which a word may have two errors. */
const LONG_FROM = 8;
const LEAST = 3;

/** Words by length, each with its letters as bits, by which most are told from a word at once. */
export class Vocabulary {
  /** @param {string[]} words numbered as they are */
  constructor(words) {
    this.words = words;
    this.byLength = new Map();
    for (let number = 0; number < words.length; number++) {
      const word = words[number];
      if (word.length < LEAST || !isPlain(word)) continue;
      let group = this.byLength.get(word.length);
      if (!group) this.byLength.set(word.length, group = { numbers: [], signatures: [] });
      group.numbers.push(number);
      group.signatures.push(signature(word));
    }
  }

  /** The distance of the nearest words, 1 or for long words 2, and their numbers, ascending; none when farther. */
  near(word) {
    const most = word.length >= LONG_FROM ? 2 : 1;
    for (let limit = 1; limit <= most; limit++) {
      const numbers = this.#within(word, limit);
      if (numbers.length) return { distance: limit, numbers };
    }
    return { distance: 0, numbers: [] };
  }

  #within(word, limit) {
    const own = signature(word), found = [];
    for (let length = word.length - limit; length <= word.length + limit; length++) {
      const group = this.byLength.get(length);
      if (!group) continue;
      const { numbers, signatures } = group;
      for (let i = 0; i < numbers.length; i++) {
        if (bits(own ^ signatures[i]) > 2 * limit) continue;
        const other = this.words[numbers[i]];
        if (limit === 1 ? isNext(word, other) : distance(word, other, limit) <= limit) found.push(numbers[i]);
      }
    }
    return found.sort((a, b) => a - b);
  }
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

/** Whether two different words are one edit apart. */
function isNext(a, b) {
  if (a.length > b.length) [a, b] = [b, a];
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  if (a.length < b.length) return sameFrom(a, i, b, i + 1);
  return sameFrom(a, i + 1, b, i + 1) || a[i] === b[i + 1] && a[i + 1] === b[i] && sameFrom(a, i + 2, b, i + 2);
}

function sameFrom(a, i, b, j) {
  while (i < a.length && a[i] === b[j]) { i++; j++; }
  return i >= a.length;
}

let rows = [new Uint8Array(64), new Uint8Array(64), new Uint8Array(64)];

/** Edits between two words, swapped neighbours counting as one (optimal string alignment); at most `limit` + 1. */
export function distance(a, b, limit) {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  if (b.length >= rows[0].length) rows = rows.map(() => new Uint8Array(b.length + 1));
  let [before, last, row] = rows;
  for (let j = 0; j <= b.length; j++) row[j] = j;
  for (let i = 1; i <= a.length; i++) {
    [before, last, row] = [last, row, before];
    row[0] = i;
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      let cost = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, before[j - 2] + 1);
      row[j] = cost;
      if (cost < least) least = cost;
    }
    if (least > limit) return limit + 1;
  }
  return Math.min(row[b.length], limit + 1);
}
