import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const d = load("01", "02");
const NOW = Date.parse("2026-11-28T12:00:00Z");
const ROW = {
  task: "sweep-a/Sample-07",
  state: "failed",
  batch: "sweep-a",
  host: "n1",
  worker: "n1-abcdefgh",
  outcome: "exit1",
  tag: "exit1",
  name: "Sample-07",
  reason: "exit1\nexit code 1\nKeyError: quota",
  error: "KeyError: quota",
  line: "",
  attempts: 2,
  seconds: 75,
  memory: 3e9,
  cpus: 4,
  code: 1,
  wait: NaN,
  started: NOW - 3_600_000,
  ended: NOW - 3_500_000,
  all: "sweep-a/sample-07\nn1\nkeyerror: quota exceeded",
};
const get = (key) =>
  ROW[key] ?? (["signal", "out", "err", "progress", "submitted", "until", "load", "cpu"].includes(key) ? NaN : "");
const fits = (text) => {
  const query = d.query(text, NOW);
  return query.test === null || query.test(0, get);
};

test("words, keys, numbers with units and their negations find a task or not", () => {
  for (const text of [
    "",
    "   ",
    "sample",
    "SAMPLE quota",
    "state:failed",
    "state:done,failed",
    "is:failed",
    "batch:sweep-a",
    "batch:sweep*",
    "host:n1",
    "node:n1",
    "worker:n1-",
    "reason:quota",
    'error:"KeyError: quota"',
    "seconds>10",
    "seconds>1m",
    "seconds:>=75",
    "seconds:75",
    "seconds:60..80",
    "memory>1G",
    "memory<2.8GiB",
    "attempts:>1",
    "attempts:2",
    "attempts:1,2",
    "attempt>1",
    "code:1",
    "exit=1",
    "-state:done",
    "-batch:other -host:n2",
    "started>-2h",
    "ended<2026-11-28T11:30:00Z",
    "-ended<-2h",
    '"quota exceeded"',
  ]) {
    assert.ok(fits(text), text);
  }
  for (const text of [
    "samples",
    "state:done",
    "state:fail",
    "batch:sweep",
    "host:n",
    "host:n2,n3",
    "seconds<10",
    "seconds:>1e999",
    "memory>1T",
    "attempts>2",
    "-state:failed",
    "-sample",
    "wait>0",
    "wait<9",
    "started>-10m",
    "name:sample",
    "progress>0.1",
    '"exceeded quota"',
  ]) {
    assert.ok(!fits(text), text);
  }
});

test("every text is a query, and what is half typed does not hide everything", () => {
  for (const text of ["state:", "seconds>", "-", "attempts:", '"', "batch:n,"])
    assert.doesNotThrow(() => fits(text), text);
  for (const text of ["state:", "seconds>", "attempts:", '"', "host:,"]) assert.ok(fits(text), text);
  for (const text of [
    "((((",
    "[",
    "\\",
    ":",
    "constructor:x",
    "__proto__",
    "state:__proto__",
    "seconds>banana",
    "*",
    "host:*(",
    "%00%zz",
    "a".repeat(5000),
  ]) {
    assert.doesNotThrow(() => fits(text), text);
  }
  assert.ok(!fits("constructor:x"), "no key, so a text");
  assert.ok(!fits("seconds>banana"), "no number, so a text");
});

test("a dash alone is a text, and quotes keep words together", () => {
  assert.deepEqual(d.words('a "b c" error:"d e" -"f g'), ["a", '"b c"', 'error:"d e"', '-"f g']);
});

test("the states of a query are read and replaced without touching the rest", () => {
  assert.deepEqual(d.valuesOf("a state:failed,done b", "state"), ["failed", "done"]);
  assert.deepEqual(d.valuesOf("a b", "state"), []);
  assert.equal(d.withKey("a state:failed seconds>3", "state", "done"), "a seconds>3 state:done");
  assert.equal(d.withKey("a -state:failed", "state", ""), "a");
  assert.equal(d.term("batch", "two words"), 'batch:"two words"');
});

test("names are put in the order in which people count", () => {
  const names = [
    "s10",
    "s2",
    "s1",
    "s02",
    "t",
    "s2a",
    "s",
    "a/9",
    "a/10",
    "a/010",
    "9",
    "10",
    "s99999999999999999999999",
    "s100000000000000000000000",
  ];
  assert.deepEqual([...names].sort(d.natural), [
    "9",
    "10",
    "a/9",
    "a/10",
    "a/010",
    "s",
    "s1",
    "s2",
    "s2a",
    "s02",
    "s10",
    "s99999999999999999999999",
    "s100000000000000000000000",
    "t",
  ]);
  for (const a of names)
    for (const b of names) assert.equal(Math.sign(d.natural(a, b)), -Math.sign(d.natural(b, a)) + 0, `${a} ${b}`);
});

test("a query made of a name finds that name alone, whatever it is made of", () => {
  const names = ["a", "b", "a,b", "a b", "st*r", "star", 'q"uote', "quote", '"', "=eq", "eq", "<1", '","', "a, *"];
  for (const name of names) {
    const found = d.query(d.term("batch", name), NOW);
    assert.deepEqual(names.filter((each) => found.test(0, () => each)), [name], d.term("batch", name));
  }
  const both = d.query('batch:"a,b",st*', NOW);
  assert.deepEqual(names.filter((each) => both.test(0, () => each)), ["a,b", "st*r", "star"]);
});
