// Proof of work: a number whose hash shows that a browser spent a moment on this one message.
// Asked for only while the desk is flooded; nobody has to solve a picture puzzle.

const BATCH = 500;

// A number with which the SHA-256 of "challenge:number" begins with enough zero bits.
export async function prove({ challenge, bits }) {
  const found = await search((n) => `${challenge}:${n}`, (digest) => zeroBits(digest) >= bits);
  return `${challenge}:${found}`;
}

// The first number below `end` whose text has a SHA-256 that is right; -1 where there is none.
export async function search(text, right, end = Infinity) {
  const encoder = new TextEncoder();
  for (let start = 0; start < end; start += BATCH) {
    const candidates = Array.from({ length: Math.min(BATCH, end - start) }, (_, i) => encoder.encode(text(start + i)));
    const digests = await Promise.all(candidates.map((bytes) => crypto.subtle.digest("SHA-256", bytes)));
    const found = digests.findIndex((digest) => right(new Uint8Array(digest)));
    if (found >= 0) return start + found;
  }
  return -1;
}

function zeroBits(bytes) {
  let count = 0;
  for (const byte of bytes) {
    if (byte) return count + Math.clz32(byte) - 24;
    count += 8;
  }
  return count;
}
