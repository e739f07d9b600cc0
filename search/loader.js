/** Fetches a language's index, and what of it is optional, by its manifest. */

import { open } from "./engine.js";

export const MANIFEST_FORMAT = 1;

/** The manifest at `url`; it is asked for anew each time, as it names the files that never change. */
export async function manifest(url) {
  const found = await json(url);
  if (found.format !== MANIFEST_FORMAT) throw new Error("a search manifest of another version");
  return found;
}

/** The index that the manifest at `url` names, with its word vectors if they are wanted and there are any. */
export async function load(url, { vectors = false } = {}) {
  const found = await manifest(url);
  const index = await open(await bytes(new URL(found.index, url)));
  if (vectors && found.vectors) await index.addVectors(await bytes(new URL(found.vectors, url)));
  return index;
}

export async function bytes(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${response.status} for ${url}`);
  return response.arrayBuffer();
}

async function json(url) {
  const response = await fetch(url, { cache: "no-cache" });
  if (!response.ok) throw new Error(`${response.status} for ${url}`);
  return response.json();
}
