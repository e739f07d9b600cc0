/** The optional table of word vectors; its file and its mathematics are described in kb/index/vectors.py. */

import { inflate } from "./packed.js";
import { TERMS_VERSION } from "./terms.js";

export const SHARE = 0.85;
export const STOP_WEIGHT = 0.5;
const MAGIC = "KBV1";
const FORMAT = 2;
const CENTRE = 7.5;

/** Opens the bytes of a table's file. */
export async function openTable(buffer) {
  const bytes = new Uint8Array(buffer);
  if (String.fromCharCode(...bytes.subarray(0, 4)) !== MAGIC) throw new Error("not a table of word vectors");
  const data = await inflate(bytes.subarray(4));
  const length = new DataView(data.buffer).getUint32(0, true);
  const decoder = new TextDecoder();
  const header = JSON.parse(decoder.decode(data.subarray(4, 4 + length)));
  if (header.format !== FORMAT || header.terms !== TERMS_VERSION) throw new Error("word vectors of another version");
  const start = 4 + length + header.text;
  const words = decoder.decode(data.subarray(4 + length, start)).split("\n");
  return new Table(header, words, data.subarray(start));
}

export function rarity(holders, articles) {
  return Math.log(1 + (articles + 0.5) / (holders + 0.5));
}

/** What a word's vector counts that `holders` of the `articles` have. */
export function weight(holders, articles) {
  return Math.sqrt(rarity(holders, articles));
}

class Table {
  constructor({ dimensions, steps, articles, scale }, words, codes) {
    this.articles = articles;
    this.scale = scale;
    this.dimensions = dimensions;
    this.steps = steps;
    this.codes = codes;
    this.rows = new Map(words.map((word, row) => [word, row]));
  }

  /** The articles' vectors, one after the other. */
  articleVectors() {
    const size = this.articles * this.dimensions;
    const codes = new Int8Array(this.codes.buffer, this.codes.byteOffset + this.codes.length - size, size);
    return Float32Array.from(codes, (code) => this.scale * code);
  }

  has(term) {
    return this.rows.has(term);
  }

  words() {
    return this.rows.keys();
  }

  /** Adds `weight` times the term's vector to `total`. */
  addTo(total, term, weight) {
    const half = this.dimensions / 2;
    let at = this.rows.get(term) * half;
    for (let i = 0; i < this.dimensions; i += 2) {
      const pair = this.codes[at++];
      total[i] += weight * (((pair >> 4) - CENTRE) * this.steps[i]);
      total[i + 1] += weight * (((pair & 15) - CENTRE) * this.steps[i + 1]);
    }
  }
}

/** Makes the vector as long as one; zeros stay. Returns whether it has any length. */
export function toUnit(vector) {
  let sum = 0;
  for (const x of vector) sum += x * x;
  const norm = Math.sqrt(sum);
  if (norm) for (let i = 0; i < vector.length; i++) vector[i] /= norm;
  return norm > 0;
}
