/**
 * The index's terms under some spelling (their own, or skeletons), and which of them have which features. There are
 * some ten features a term, and a page waits for them: they are met by 64 bits of a hash, not by name.
 */

import { features, GRAM, GRAM_HANGUL, isHangul, isPlain, PREFIX } from "./terms.js";

const ASTRAL = /[\ud800-\udfff]/;
const NONE = new Int32Array(0);

export class View {
  /** @param {string[]} forms */
  constructor(forms) {
    this.size = forms.length;
    const most = forms.reduce((sum, form) => sum + form.length + 3, 0);
    this.#slots = 1 << Math.ceil(Math.log2(most * 2 + 2));
    this.#high = new Int32Array(this.#slots);
    this.#low = new Int32Array(this.#slots);
    this.#ids = new Int32Array(this.#slots);
    this.#seen = new Int32Array(most).fill(-1);
    this.#all = new Int32Array(most);
    const until = new Int32Array(forms.length + 1);
    for (let number = 0; number < forms.length; number++) {
      this.#read(forms[number], number);
      until[number + 1] = this.#size;
    }
    this.#invert(until);
    /** What ranking makes of words, kept because questions repeat them. */
    this.matches = new Map();
  }

  /** A feature's number; -1 when no term has it. */
  feature(name) {
    if (name[0] === "=" || name[0] === "^") return this.#find(name, 1, name.length, name.charCodeAt(0));
    return this.#find(name, 0, name.length, 0);
  }

  /** The terms with a feature, by number, ascending. */
  having(feature) {
    return feature < 0 ? NONE : this.numbers.subarray(this.from[feature], this.from[feature + 1]);
  }

  holders(feature) {
    return feature < 0 ? 0 : this.from[feature + 1] - this.from[feature];
  }

  rarity(feature, weight) {
    return weight * Math.log(1 + (this.size + 0.5) / (this.holders(feature) + 0.5));
  }

  /** The terms of this form. */
  of(form) {
    return this.having(this.feature("=" + form));
  }

  known(form) {
    return this.feature("=" + form) >= 0;
  }

  #slots; #high; #low; #ids; #seen; #all;
  #count = 0;
  #size = 0;

  /** Notes the features of a form: those of terms.js, without making strings of them. */
  #read(form, number) {
    this.#note(this.#add(form, 0, form.length, 0x3d), number);
    if (!isPlain(form)) return;
    if (ASTRAL.test(form)) {
      for (const name of features(form).slice(1)) {
        const own = name[0] === "^" ? 1 : 0;
        this.#note(this.#add(name, own, name.length, own ? 0x5e : 0), number);
      }
      return;
    }
    if (form.length >= PREFIX) this.#note(this.#add(form, 0, PREFIX, 0x5e), number);
    const bounded = `<${form}>`, size = isHangul(form) ? GRAM_HANGUL : GRAM;
    const last = Math.max(0, bounded.length - size);
    for (let i = 0; i <= last; i++) this.#note(this.#add(bounded, i, Math.min(i + size, bounded.length), 0), number);
  }

  #note(feature, number) {
    if (this.#seen[feature] === number) return;
    this.#seen[feature] = number;
    this.#all[this.#size++] = feature;
  }

  #add(text, from, to, kind) {
    const slot = this.#slot(text, from, to, kind);
    if (!this.#ids[slot]) {
      this.#high[slot] = this.#h;
      this.#low[slot] = this.#l;
      this.#ids[slot] = ++this.#count;
    }
    return this.#ids[slot] - 1;
  }

  #find(text, from, to, kind) {
    return this.#ids[this.#slot(text, from, to, kind)] - 1;
  }

  #h = 0;
  #l = 0;

  /** The place of a part of a text in the table, taken or free; its hash is left in `#h` and `#l`. */
  #slot(text, from, to, kind) {
    let high = 0x811c9dc5 ^ kind, low = 0x3c6ef372 ^ kind;
    for (let i = from; i < to; i++) {
      const unit = text.charCodeAt(i);
      high = Math.imul(high ^ unit, 0x01000193);
      low = Math.imul(low ^ unit, 0x5bd1e995);
      low ^= low >>> 15;
    }
    high ^= high >>> 15;
    const mask = this.#slots - 1;
    let slot = (high ^ low) & mask;
    while (this.#ids[slot] && (this.#high[slot] !== high || this.#low[slot] !== low)) slot = (slot + 1) & mask;
    this.#h = high;
    this.#l = low;
    return slot;
  }

  /** From features by term to terms by feature. */
  #invert(until) {
    const from = new Int32Array(this.#count + 1);
    for (let i = 0; i < this.#size; i++) from[this.#all[i] + 1]++;
    for (let i = 0; i < this.#count; i++) from[i + 1] += from[i];
    const next = from.slice(), numbers = new Int32Array(this.#size);
    for (let number = 0; number < this.size; number++) {
      for (let i = until[number]; i < until[number + 1]; i++) numbers[next[this.#all[i]]++] = number;
    }
    this.from = from;
    this.numbers = numbers;
    this.#seen = this.#all = NONE;
  }
}
