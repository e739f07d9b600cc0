/**
 * What was meant when the keyboard was set to another layout, and words written in Latin letters.
 * Twin of kb/index/scripts.py.
 */

const KEYS = "`qwertyuiop[]asdfghjkl;'zxcvbnm,./";
/** The key `b` gives two letters in Arabic, lam and alef; it is handled apart. */
const LAYOUTS = {
  uk: "'йцукенгшщзхїфівапролджєячсмитьбю.",
  ru: "ёйцукенгшщзхъфывапролджэячсмитьбю.",
  el: "`;ςερτυθιοπ[]ασδφγηξκλ΄'ζχψωβνμ,./",
  he: ";/'קראטוןםפ][שדגכעיחלךף,זסבהנמצתץ.",
  ar: "ذضصثقفغعهخحجدشسيبلاتنمكطئءؤر\0ىةوزظ",
};
const LAM_ALEF = "لا";
const SHIFTED = { "~": "`", "{": "[", "}": "]", ":": ";", "\"": "'", "<": ",", ">": ".", "?": "/" };
const SCRIPTS = {
  latin: /[a-zà-ɏ]/,
  cyrillic: /[а-яёђ-ҁҊ-ӿ]/,
  greek: /[α-ώ]/,
  hebrew: /[א-ת]/,
  arabic: /[ء-ي]/,
};
const LAYOUTS_OF_SCRIPT = { cyrillic: ["uk", "ru"], greek: ["el"], hebrew: ["he"], arabic: ["ar"] };
const CYRILLIC = new Set(["uk", "ru", "be", "bg", "sr", "mk", "kk", "ky", "mn"]);
const SCRIPT_OF_LANGUAGE = { el: "greek", he: "hebrew", ar: "arabic", fa: "arabic", ur: "arabic" };

/** The script a language is written in, as far as layouts and transliteration care. */
export function scriptOf(language) {
  const code = language.split("-")[0].toLowerCase();
  return CYRILLIC.has(code) ? "cyrillic" : SCRIPT_OF_LANGUAGE[code] ?? "latin";
}

function forward(name) {
  const table = new Map();
  for (let i = 0; i < KEYS.length; i++) if (LAYOUTS[name][i] !== "\0") table.set(KEYS[i], LAYOUTS[name][i]);
  if (name === "ar") table.set("b", LAM_ALEF);
  for (const [shifted, key] of Object.entries(SHIFTED)) if (table.has(key)) table.set(shifted, table.get(key));
  return table;
}

function backward(name) {
  const table = new Map();
  for (let i = 0; i < KEYS.length; i++) if (LAYOUTS[name][i] !== "\0") table.set(LAYOUTS[name][i], KEYS[i]);
  return table;
}

const TO_LAYOUT = Object.fromEntries(Object.keys(LAYOUTS).map((name) => [name, forward(name)]));
const TO_KEYS = Object.fromEntries(Object.keys(LAYOUTS).map((name) => [name, backward(name)]));

/** [layout, text] for each way the chunk may have been typed with the wrong layout for `language`. */
export function otherLayouts(chunk, language) {
  const text = chunk.toLowerCase();
  const wanted = scriptOf(language);
  const code = language.split("-")[0].toLowerCase();
  if (wanted !== "latin") {
    if (SCRIPTS[wanted].test(text)) return [];
    const all = LAYOUTS_OF_SCRIPT[wanted] ?? [];
    const names = all.includes(code) ? [code] : all;
    return names.map((name) => [name, mapped(TO_LAYOUT[name], text)]);
  }
  const found = [];
  for (const [script, names] of Object.entries(LAYOUTS_OF_SCRIPT)) {
    if (!SCRIPTS[script].test(text)) continue;
    for (const name of names) for (const keys of readings(name, text)) found.push([name, keys]);
  }
  return found;
}

function readings(name, text) {
  const table = TO_KEYS[name];
  const all = name === "ar" && text.includes(LAM_ALEF) ? [text.replaceAll(LAM_ALEF, "b"), text] : [text];
  return all.map((reading) => mapped(table, reading));
}

function mapped(table, text) {
  let out = "";
  for (const char of text) out += table.get(char) ?? char;
  return out;
}

const SKELETON_STEPS = [
  ["shch", "w"], ["sch", "w"], ["zgh", "zh"], ["sh", "w"], ["ch", "q"], ["zh", "j"], ["kh", "h"], ["ts", "c"],
  ["tz", "c"], ["ph", "f"], ["yo", "io"], ["jo", "io"], ["yu", "iu"], ["ju", "iu"], ["ya", "ia"], ["ja", "ia"],
  ["ye", "e"], ["ie", "e"], ["je", "e"],
];
const SKELETON_LETTERS = { g: "h", x: "h", y: "i", w: "v", "'": "" };
const CYRILLIC_SKELETON = {
  а: "a", б: "b", в: "v", г: "h", ґ: "h", д: "d", е: "e", є: "e", э: "e", ё: "e", ж: "j",
  з: "z", и: "i", і: "i", ї: "i", й: "i", ы: "i", к: "k", л: "l", м: "m", н: "n", о: "o",
  п: "p", р: "r", с: "s", т: "t", у: "u", ў: "u", ф: "f", х: "h", ц: "c", ч: "q", ш: "w",
  щ: "w", ь: "", ъ: "", ю: "iu", я: "ia", "'": "",
};

export function isLatin(term) {
  return /^[a-z]+$/.test(term);
}

/** What stays of a Cyrillic word in Latin letters whichever of the usual ways it is written. */
export function skeletonOfLatin(term) {
  let text = term;
  for (const [pair, to] of SKELETON_STEPS) text = text.replaceAll(pair, to.toUpperCase());
  let out = "";
  for (const char of text) out += SKELETON_LETTERS[char] ?? char;
  return squeeze(out.toLowerCase());
}

/** The same of a term of the index; terms in other scripts keep their letters. */
export function skeletonOfCyrillic(term) {
  let out = "";
  for (const char of term) out += CYRILLIC_SKELETON[char] ?? char;
  return squeeze(out);
}

function squeeze(text) {
  return text.replace(/ie/g, "e").replace(/(.)\1+/gsu, "$1");
}
