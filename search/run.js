/**
 * Runs the engine under Node for `kb eval` and the tests: an order on standard input, answers on standard output.
 * No page loads this file.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { open } from "./engine.js";
import { Vocabulary } from "./spelling.js";
import { features, terms } from "./terms.js";

let input = "";
for await (const part of process.stdin) input += part;
const order = JSON.parse(input);

if (order.terms) {
  const found = order.terms.map(([text, language]) => terms(text, language));
  console.log(JSON.stringify({ terms: found, features: found.map((all) => all.map(features)) }));
} else if (order.words) {
  const vocabulary = new Vocabulary(order.words);
  console.log(JSON.stringify({ near: order.near.map((word) => vocabulary.near(word)) }));
} else {
  const manifest = JSON.parse(await readFile(join(order.folder, "manifest.json"), "utf8"));
  const before = process.cpuUsage();
  const index = await open(await readFile(join(order.folder, manifest.index)));
  if (manifest.vectors && order.vectors) await index.addVectors(await readFile(join(order.folder, manifest.vectors)));
  index.warm(0);
  const opened = milliseconds(process.cpuUsage(before));
  // As the worker does while a reader is still typing.
  for (let step = 1; index.warm(step); step++);
  const answers = order.questions.map((question) => {
    const start = process.cpuUsage();
    const answer = index.search(question, { limit: order.limit, typing: order.typing });
    return { ...answer, ms: milliseconds(process.cpuUsage(start)) };
  });
  console.log(JSON.stringify({ opened, answers }));
}

function milliseconds({ user, system }) {
  return (user + system) / 1000;
}
