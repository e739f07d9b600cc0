/**
 * From text to terms: the browser's twin of kb/index/terms.py. Both are held to the same table of cases
 * (tests/index/terms_cases.tsv); a change here is a change there, and a new TERMS_VERSION.
 */

export const TERMS_VERSION = 1;
export const WORD_LIMIT = 40;
export const PREFIX = 5;
export const GRAM = 4;
export const GRAM_HANGUL = 2;
export const EXACT_WEIGHT = 2;

const IGNORED = /[\u00ad\u061c\u180e\ufeff\u00a9\u00ae\u2120\u2122\u200b-\u200f\u202a-\u202e\u2060-\u2069]/g;
const APOSTROPHES = /[\u2018\u2019\u201b\u02bc\u02b9\u02bb\u00b4\u0060\u2032\uff07\u05f3]/g;
const FOLDED = new Map(Object.entries({
  "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h",
  "ŋ": "n", "ŧ": "t", "ґ": "г", "ς": "σ",
  "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ئ": "ي", "ی": "ي", "ؤ": "و", "ة": "ه", "ک": "ك",
  "ہ": "ه", "ھ": "ه", "ـ": "",
  "ך": "כ", "ם": "מ", "ן": "נ", "ף": "פ", "ץ": "צ",
}));
const KEPT = "йїў";
const ELIDING = new Set(["fr", "it", "ca", "oc"]);

const INDIC = "\\u0900-\\u0963\\u0966-\\u096f\\u0971-\\u0df3\\u0f00\\u0f18-\\u0f39\\u0f3e-\\u0f84\\u0f86-\\u0fbc\\u135d-\\u135f";
export const UNSPACED =
  "\\u0e01-\\u0e3a\\u0e40-\\u0e4e\\u0e81-\\u0ecd\\u0edc-\\u0edf\\u1000-\\u103f\\u1050-\\u109f\\u1780-\\u17d3" +
  "\\u3005\\u3040-\\u309f\\u30a0-\\u30fa\\u30fc-\\u30ff\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff\\u{20000}-\\u{3134f}";
/** Left out but for Adlam and ideographs: runtimes of different age disagree on what is a letter there. */
const OTHER_PLANES = "\\u{10000}-\\u{1e8ff}\\u{1e960}-\\u{1ffff}\\u{31350}-\\u{10ffff}";
export const WORD = `(?:(?![${OTHER_PLANES}])[\\p{L}\\p{N}]|[${INDIC}${UNSPACED}])`;
const COMPOUND = new RegExp(`${WORD}+(?:[-._/:,#+]${WORD}+)*`, "gu");
const SEPARATOR = /[-._/:,#+]/;
const RUNS = new RegExp(`[${UNSPACED}]+|[^${UNSPACED}]+`, "gu");
const UNSPACED_ANY = new RegExp(`[${UNSPACED}]`, "u");
const UNSPACED_FIRST = new RegExp(`^[${UNSPACED}]`, "u");
const INNER_APOSTROPHE = new RegExp(`(?<=${WORD})'(?=${WORD})`, "gu");
const DIGIT = /[0-9]/;
const THOUSANDS = /^[0-9]{1,3}(?:[.,][0-9]{3})+$/;
const DECIMAL = /^[0-9]+[.,][0-9]+$/;
const HANGUL = /^[\u1100-\u11ff\uac00-\ud7af]/;
const ASCII = /^[\x00-\x7f]*$/;
/** What Python's str.split() calls white space, whichever of it JavaScript's \s leaves out. */
export const SPACE = /[\s\x1c-\x1f\x85]+/;

const folds = new Map();

/** One character's form without the marks that people leave out. */
function fold(char) {
  let to = folds.get(char);
  if (to !== undefined) return to;
  const code = char.codePointAt(0);
  if (FOLDED.has(char)) to = FOLDED.get(char);
  else if (isMark(code)) to = "";
  else if (code >= 0x2010 && code <= 0x2014 || code === 0x2212) to = "-";
  else if (isFolded(code) && !KEPT.includes(char)) {
    const parts = char.normalize("NFD");
    to = parts.length > 1 ? parts.replace(/\p{M}/gu, "") : char;
  } else to = digit(code) ?? char;
  folds.set(char, to);
  return to;
}

function isFolded(code) {
  return code >= 0xc0 && code <= 0x24f || code >= 0x370 && code <= 0x52f || code >= 0x1e00 && code <= 0x1fff;
}

function isMark(code) {
  return code >= 0x300 && code <= 0x36f || code >= 0x483 && code <= 0x487 || code >= 0x591 && code <= 0x5bd ||
    code >= 0x5bf && code <= 0x5c7 || code >= 0x610 && code <= 0x61a || code >= 0x64b && code <= 0x65f || code === 0x670;
}

function digit(code) {
  for (const zero of [0x660, 0x6f0, 0x966, 0x9e6, 0xe50]) {
    if (code >= zero && code < zero + 10) return String(code - zero);
  }
  return undefined;
}

/** Lower case, one form of each letter and apostrophe, no diacritics that people leave out. */
export function normalise(text) {
  if (ASCII.test(text)) return text.replaceAll("`", "'").toLowerCase();
  const plain = text.replace(IGNORED, "").replace(APOSTROPHES, "'").normalize("NFKC").toLowerCase();
  let out = "";
  for (const char of plain) out += char < "\x80" ? char : fold(char);
  return out;
}

/** Words, with punctuation around them, whose only term is their lower case: most of any text, and worth a short way. */
const SIMPLE = /^["'(\[«„“]*([A-Za-zА-ЩЬЮ-Яа-щьюяЫЪЭыъэІЇЄіїє]+)[.,;:!?)\]"'»”…]*$/;

/** The terms of a text, in order; `language` decides what an apostrophe means. */
export function terms(text, language = "") {
  const simple = SIMPLE.exec(text);
  if (simple) return [cut(simple[1].toLowerCase())];
  const eliding = ELIDING.has(language.slice(0, 2));
  const found = [];
  for (const chunk of normalise(text).split(SPACE)) if (chunk) ofChunk(chunk, eliding, found);
  return found;
}

function ofChunk(chunk, eliding, found) {
  if (chunk.includes("'")) chunk = chunk.replace(INNER_APOSTROPHE, eliding ? " " : "");
  for (const compound of chunk.match(COMPOUND) ?? []) {
    const parts = compound.split(SEPARATOR);
    if (parts.length > 1) whole(compound, parts, found);
    for (const part of parts) ofWord(part, found);
  }
}

/** The compound as one term: codes and numbers always, and hyphenated words that many write as one. */
function whole(compound, parts, found) {
  if (DIGIT.test(compound)) {
    if (DECIMAL.test(compound) && !THOUSANDS.test(compound)) found.push(cut(compound.replaceAll(",", ".")));
    else found.push(cut(parts.join("")));
  } else if (parts.length === 2 && compound.includes("-") && Math.min(size(parts[0]), size(parts[1])) <= 2) {
    found.push(cut(parts.join("")));
  }
}

function ofWord(word, found) {
  if (!UNSPACED_ANY.test(word)) {
    found.push(cut(word));
    return;
  }
  for (const run of word.match(RUNS)) {
    const chars = Array.from(run);
    if (UNSPACED_FIRST.test(run) && chars.length > 1) {
      for (let i = 0; i + 1 < chars.length; i++) found.push(chars[i] + chars[i + 1]);
    } else found.push(cut(run));
  }
}

const ASTRAL = /[\ud800-\udfff]/;

function cut(word) {
  if (word.length <= WORD_LIMIT) return word;
  return ASTRAL.test(word) ? Array.from(word).slice(0, WORD_LIMIT).join("") : word.slice(0, WORD_LIMIT);
}

function size(word) {
  return ASTRAL.test(word) ? Array.from(word).length : word.length;
}

/** Whether a term is a word with inflections and typing errors; numbers, codes and character pairs are not. */
export function isPlain(term) {
  return !DIGIT.test(term) && !UNSPACED_FIRST.test(term);
}

export function isHangul(term) {
  return HANGUL.test(term);
}

/** What terms are compared by, each once, the term's own feature `=term` first; `^` begins the prefix. */
export function features(term) {
  if (!isPlain(term)) return ["=" + term];
  const bounded = ASTRAL.test(term) ? ["<", ...term, ">"] : `<${term}>`;
  const part = (from, to) => typeof bounded === "string" ? bounded.slice(from, to) : bounded.slice(from, to).join("");
  const found = ["=" + term], gram = isHangul(term) ? GRAM_HANGUL : GRAM;
  if (bounded.length - 2 >= PREFIX) found.push("^" + part(1, PREFIX + 1));
  const last = Math.max(0, bounded.length - gram);
  for (let i = 0; i <= last; i++) {
    const piece = part(i, i + gram);
    if (!found.includes(piece)) found.push(piece);
  }
  return found;
}
