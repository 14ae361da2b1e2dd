import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const d = load("00", "10", "11");
const asked = new Map(); // file -> let it come

d.script = (source) =>
  new Promise((resolve) => {
    const file = source.replace("data/", "");
    asked.set(file, async () => {
      asked.delete(file);
      const [kind, first, ...values] = file.split(" ");
      const own = { [`${{ runs: "host", names: "task", rest: "worker" }[kind]}_w`]: values.map((_, at) => at) };
      d.chunk(file, JSON.stringify({ kind, first: Number(first), rows: values.length, words: values, ...own }));
      resolve();
      await settled();
    });
  });
const settled = () => new Promise(setImmediate); // all that follows at once has happened

/** A page whose parts have these rows: "runs 0 a b" is a file with two of them. */
function page(stamp, chunks) {
  const named = (file) => [file, Number(file.split(" ")[1]), file.split(" ").length - 2];
  return { stamp, chunks: Object.fromEntries(Object.entries(chunks).map(([part, files]) => [part, files.map(named)])) };
}
const rows = () => {
  const { attempts } = d.tables;
  return Array.from({ length: attempts.count }, (_, row) => `${attempts.word("host", row)} ${attempts.task[row]}`);
};

test("a part is asked for when it is needed, and what is there changes together when a newer page comes", async () => {
  d.current = page(1, { runs: ["runs 0 h1 h2", "runs 2 h3"], names: ["names 0 a b", "names 2 c"], rest: ["rest 0 x y z"] });
  const runs = d.load("runs");
  assert.deepEqual([...asked.keys()], ["runs 0 h1 h2", "runs 2 h3"]);
  await asked.get("runs 2 h3")();
  assert.equal(d.has("runs"), false);
  await asked.get("runs 0 h1 h2")();
  await runs;
  assert.equal(d.has("runs"), true);
  assert.equal(d.has("runs", "names"), false);
  const { version } = d.tables.attempts;

  const names = [d.load("names"), d.load("runs", "names")];
  assert.deepEqual([...asked.keys()], ["names 0 a b", "names 2 c"], "each file once, whoever waits for it");
  for (const come of asked.values()) await come();
  await Promise.all(names);
  assert.deepEqual(rows(), ["h1 a", "h2 b", "h3 c"]);
  assert.equal(d.tables.attempts.version, version, "rows that were known are as they were");

  d.current = page(2, { runs: ["runs 0 h1 h2", "runs 2 h7 h8"], names: ["names 0 a b", "names 2 g h"] });
  assert.equal(d.has("runs"), false);
  const newer = d.load("runs");
  assert.deepEqual([...asked.keys()], ["runs 2 h7 h8", "names 2 g h"], "the names that are there come along");
  await asked.get("runs 2 h7 h8")();
  assert.deepEqual(rows(), ["h1 a", "h2 b", "h3 c"], "the old rows, until all is there");
  await asked.get("names 2 g h")();
  await newer;
  assert.deepEqual(rows(), ["h1 a", "h2 b", "h7 g", "h8 h"]);
  assert.notEqual(d.tables.attempts.version, version);
});

test("a chunk of an older page that comes late changes nothing", async () => {
  d.current = page(3, { runs: ["runs 0 x y"], names: ["names 0 v w"], rest: ["rest 0 old older"] });
  const first = d.load("runs", "rest");
  const [late] = [...asked].filter(([file]) => file === "rest 0 old older").map(([, come]) => come);
  d.current = page(4, { runs: ["runs 0 h4 h5"], names: ["names 0 d e"], rest: ["rest 0 new newer"] });
  const second = d.load("rest");
  await asked.get("rest 0 new newer")();
  await late();
  await asked.get("names 0 d e")();
  await asked.get("runs 0 h4 h5")();
  await second;
  for (const come of asked.values()) await come(); // what the older page asked for besides
  await first;
  assert.deepEqual([0, 1].map((row) => d.tables.attempts.word("worker", row)), ["new", "newer"]);
  assert.deepEqual(rows(), ["h4 d", "h5 e"]);
});
