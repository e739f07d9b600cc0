/** Which other of a site's languages a question may be in. Twin of kb/index/languages.py. */

import { scriptOf } from "./scripts.js";
import { terms, UNSPACED } from "./terms.js";

export const CANDIDATES_LIMIT = 2;

const WORDS = {
  en: "how what where when why which who can do does is are my the i it you for not and to of in with want " +
    "have",
  uk: "як що де коли чому хто чи який яка яке скільки можна мій моя моє мені ви не та й і у в на за для " +
    "хочу є мене щоб якщо або від це треба",
  ru: "как что где когда почему кто ли какой какая какое сколько можно мой моя мое мне вы не и в на за для " +
    "хочу есть меня чтобы если или от это нужно",
  pl: "jak co gdzie kiedy dlaczego kto czy jaki jaka jakie ile można mój moja moje mi nie i w na za dla " +
    "chcę jest mam żeby jeśli lub od to się",
  de: "wie was wo wann warum wer welche welcher kann ich mein meine mir sie nicht und in auf für ist habe " +
    "möchte wenn oder von das der die es",
  fr: "comment que où quand pourquoi qui quel quelle combien puis je mon ma mes vous ne pas et en dans pour " +
    "est ai veux si ou de le la les un une",
  es: "cómo qué dónde cuándo por quién cuál cuánto puedo mi mis me usted no y en para es tengo quiero si o " +
    "de el la los las un una se",
  pt: "como o que onde quando por quem qual quanto posso meu minha me você não e em para é tenho quero se " +
    "ou de a os as um uma do da",
  it: "come che dove quando perché chi quale quanto posso mio mia mi lei non e in per è ho voglio se o di " +
    "il la i le un una",
  nl: "hoe wat waar wanneer waarom wie welke kan ik mijn mij u niet en in op voor is heb wil als of van de " +
    "het een",
  tr: "nasıl ne nerede zaman neden kim hangi kaç benim bana siz değil ve için var mı mi istiyorum eğer veya " +
    "bu bir",
  ar: "كيف ما ماذا أين متى لماذا من هل أي كم يمكن لي أنا لا في على إلى هو هي أريد إذا أو هذا التي الذي عن",
  he: "איך מה איפה מתי למה מי האם איזה כמה אפשר שלי אני לא של על את זה יש רוצה אם או",
  el: "πώς τι πού πότε γιατί ποιος ποια πόσο μπορώ μου μας δεν και σε για είναι έχω θέλω αν ή από το η ο να",
};
const LETTERS = {
  uk: "іїєґ",
  ru: "ыэъё",
  pl: "ąćęłńśźż",
  de: "äöüß",
  fr: "êèçœëïù",
  es: "ñ¿¡",
  pt: "ãõ",
  tr: "ğışİ",
  it: "ìò",
};
const HINTS = Object.fromEntries(Object.entries(WORDS).map(([code, words]) => [code, new Set(terms(words, code))]));
const SCRIPTS = [
  ["cyrillic", /[Ѐ-ӿ]/g],
  ["greek", /[Ͱ-Ͽ]/g],
  ["hebrew", /[\u0590-\u05ff]/g],
  ["arabic", /[\u0600-\u06ff]/g],
  ["unspaced", new RegExp(`[${UNSPACED}]`, "gu")],
  ["latin", /[A-Za-zÀ-ɏ]/g],
];
const UNSPACED_LANGUAGES = new Set(["zh", "ja", "th", "lo", "my", "km"]);

/** Languages other than `own` that the question speaks more clearly, the likeliest first. */
export function candidates(text, own, languages) {
  const script = scriptOfText(text);
  const found = [];
  languages.forEach((language, position) => {
    const code = language.split("-")[0];
    if (code === own.split("-")[0] || scriptOfLanguage(code) !== script) return;
    const same = scriptOfLanguage(own) === script;
    const votes = votesFor(text, code) - (same ? votesFor(text, own.split("-")[0]) : 0);
    if (votes > 0 || !same) found.push([votes, position, language]);
  });
  found.sort((a, b) => b[0] - a[0] || a[1] - b[1]);
  return found.slice(0, CANDIDATES_LIMIT).map(([, , language]) => language);
}

function votesFor(text, code) {
  const words = new Set(terms(text, code)), letters = new Set(text.toLowerCase());
  let votes = 0;
  for (const word of words) if (HINTS[code]?.has(word)) votes++;
  for (const letter of LETTERS[code] ?? "") if (letters.has(letter)) votes += 2;
  return votes;
}

function scriptOfLanguage(language) {
  return UNSPACED_LANGUAGES.has(language.split("-")[0]) ? "unspaced" : scriptOf(language);
}

/** The script most of the text's letters belong to. */
function scriptOfText(text) {
  let most = 0, name = "";
  for (const [script, pattern] of SCRIPTS) {
    const count = text.match(pattern)?.length ?? 0;
    if (count > most) [most, name] = [count, script];
  }
  return name;
}
