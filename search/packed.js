/** Reads the file that kb/index/packed.py writes; its layout is described there. */

export const FORMAT = 2;
const MAGIC = "KBS1";
const COMMON = 128;
const TWO_BYTES = COMMON + (1 << 14);
export const TO_LEFT = "\x02";
export const TO_RIGHT = "\x03";
export const LINE_END = "\x04";
const FOLLOWS = 1;
const NO_SLUG = /[!-,./:-@[-^`{-~،؛؟«»‘-„…–—]/g;

/** The parts of an index file; throws where it is damaged. */
export async function unpack(buffer) {
  const bytes = new Uint8Array(buffer);
  if (String.fromCharCode(...bytes.subarray(0, 4)) !== MAGIC) throw new Error("not a search index");
  const data = await inflate(bytes.subarray(4));
  const length = new DataView(data.buffer).getUint32(0, true);
  const decoder = new TextDecoder();
  const header = JSON.parse(decoder.decode(data.subarray(4, 4 + length)));
  if (header.format !== FORMAT) throw new Error("a search index of another version");
  const from = 4 + length, words = from + header.dictionary, tokens = words + header.words;
  return {
    header,
    dictionary: dictionary(decoder.decode(data.subarray(from, words))),
    tokens: numbers(data.subarray(words, tokens), data.subarray(tokens), header.parts),
  };
}

/** The bytes that a raw deflate stream holds. */
export async function inflate(bytes) {
  const stream = new DecompressionStream("deflate-raw");
  const writer = stream.writable.getWriter();
  // Failures are met where the stream is read.
  writer.write(bytes).catch(() => {});
  writer.close().catch(() => {});
  const parts = [];
  let length = 0;
  for (let reader = stream.readable.getReader(), part; !(part = await reader.read()).done;) {
    parts.push(part.value);
    length += part.value.length;
  }
  const data = new Uint8Array(length);
  for (let i = 0, at = 0; i < parts.length; at += parts[i++].length) data.set(parts[i], at);
  return data;
}

/** The tokens by number; number 0 is the end of a field. */
function dictionary(text) {
  const tokens = [""];
  let before = "";
  for (const line of text === "" ? [] : text.split("\n")) {
    before = before.slice(0, line.charCodeAt(0) - 0x20) + line.slice(1);
    tokens.push(before);
  }
  return tokens;
}

/** All texts as numbers of the dictionary. Each part has numbers of its own, and tells its words in steps. */
function numbers(steps, bytes, parts) {
  const found = new Int32Array(bytes.length);
  let count = 0, step = 0, i = 0;
  for (const [words, size] of parts) {
    const own = new Int32Array(words + 1);
    for (let word = 1, number = 0; word <= words; word++) {
      if (word === COMMON) number = 0;
      for (; steps[step] === 0; step++) number += 255;
      own[word] = number += steps[step++];
    }
    for (const end = i + size; i < end; i++) {
      const first = bytes[i];
      let number = first;
      if (first >= 0xc0) number = TWO_BYTES + ((first & 0x3f) << 16 | bytes[++i] << 8 | bytes[++i]);
      else if (first >= COMMON) number = COMMON + ((first & 0x3f) << 8 | bytes[++i]);
      found[count++] = own[number];
    }
  }
  return found.slice(0, count);
}

/** What stands in a text for a token: its core, or nothing where it is punctuation bound to a neighbour. */
export function core(token) {
  return token[0] <= LINE_END ? "" : token;
}

/** The text of tokens `from` to `to` (not included). */
export function join(tokens, dictionary, from, to) {
  let text = "";
  let bound = true;
  for (let i = from; i < to; i++) {
    const token = dictionary[tokens[i]];
    if (token === LINE_END) {
      text += "\n";
      bound = true;
    } else if (token[0] === TO_LEFT) text += token.slice(1);
    else if (token[0] === TO_RIGHT) {
      text += (bound ? "" : " ") + token.slice(1);
      bound = true;
    } else {
      text += (bound ? "" : " ") + token;
      bound = false;
    }
  }
  return text;
}

/** A section's anchor, which the file says only where it does not follow from the heading. */
export function anchorOf(said, heading) {
  return said === FOLLOWS ? heading.toLowerCase().replace(NO_SLUG, "").replaceAll(" ", "-") : said;
}
