// Proof of work: a number with which the SHA-256 of "challenge:number" begins with enough zero bits.
// Asked for only while the desk is flooded; nobody has to solve a picture puzzle.

const BATCH = 500;

export async function prove({ challenge, bits }) {
  const encoder = new TextEncoder();
  for (let start = 0; ; start += BATCH) {
    const candidates = Array.from({ length: BATCH }, (_, i) => `${challenge}:${start + i}`);
    const digests = await Promise.all(candidates.map((text) => crypto.subtle.digest("SHA-256", encoder.encode(text))));
    const found = digests.findIndex((digest) => zeroBits(new Uint8Array(digest)) >= bits);
    if (found >= 0) return candidates[found];
  }
}

function zeroBits(bytes) {
  let count = 0;
  for (const byte of bytes) {
    if (byte) return count + Math.clz32(byte) - 24;
    count += 8;
  }
  return count;
}
