import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const d = load("00", "01", "10", "23", "25");

test("chunks come in any order and part by part, words and unknown numbers stay what they are", () => {
  const table = d.newAttempts();
  const names = (first, tasks) => ({ kind: "names", first, rows: tasks.length, words: tasks, task_w: { from: 0 } });
  const runs = (first, hosts, seconds) => {
    const words = [...new Set(hosts)];
    return { kind: "runs", first, rows: hosts.length, words, host_w: hosts.map((host) => words.indexOf(host)), seconds };
  };
  for (const chunk of [
    runs(2, ["n2", "n1"], [3000, null]),
    names(0, ["a", "b"]),
    runs(0, ["n1", "n1"], { from: 499, bytes: 2, data: "6QMBAA==" }),
    names(2, ["c", "__proto__"]),
  ])
    table.take(chunk);
  table.commit(4);
  assert.deepEqual(table.task.slice(0, table.count), ["a", "b", "c", "__proto__"]);
  assert.deepEqual(
    [0, 1, 2, 3].map((row) => table.word("host", row)),
    ["n1", "n1", "n2", "n1"],
  );
  assert.deepEqual([...table.seconds.subarray(0, 4)], [1.5, 0.5, 3, NaN]);
  assert.ok(Number.isNaN(table.started[0]), "a column that is not there is not known");
  assert.equal(table.memory[0], undefined, "a part that is not there has no rows");
  assert.equal(table.word("outcome", 0), "");
  table.take(names(2, ["x"]));
  table.commit(3);
  assert.deepEqual(table.task.slice(0, table.count), ["a", "b", "x"]);
});

test("numbers come back from each of their forms", () => {
  const table = d.newAttempts();
  const read = (form) => {
    const chunk = { kind: "runs", first: 0, rows: 3, words: [], host_w: -1, outcome_w: -1, started: form };
    table.take(chunk);
    return [...table.started.subarray(0, 3)];
  };
  assert.deepEqual(read(null), [NaN, NaN, NaN]);
  assert.deepEqual(read(4), [4, 4, 4]);
  assert.deepEqual(read({ from: 5 }), [5, 6, 7]);
  assert.deepEqual(read([0.5, null, 2 ** 70]), [0.5, NaN, 2 ** 70]);
  assert.deepEqual(read({ from: 0, bytes: 1, data: "AQIB" }), [1, 2, 1]);
  assert.deepEqual(read({ from: 6999, bytes: 2, data: "AQAAANEH" }), [7000, NaN, 9000]);
  assert.deepEqual(read({ from: -1, bytes: 4, data: "AQAAAAEAAIAIAAAA" }), [0, 2 ** 31, 7]);
  assert.deepEqual(read({ from: -2, bytes: 8, data: "AgAAAAAAAEACAAAAAAAAAAEAAAAAAAAA" }), [2 ** 62, 0, -1]);
});

test("rows are put in the order of their values, equal ones as they were, unknown ones last", () => {
  const order = (...values) => [...d.ranked(Uint32Array.from(values, (_, at) => at + 10), Float64Array.from(values))];
  assert.deepEqual(order(3, NaN, 1, 3, 2, NaN, 1), [12, 16, 14, 10, 13, 11, 15]);
  assert.deepEqual(order(-0, 0, -0, -1), [13, 10, 11, 12]);
  assert.deepEqual(order(0.5, NaN, 0.25, 0.5, -1), [14, 12, 10, 13, 11]);
  assert.deepEqual(order(2 ** 42, 5, 2 ** 42 - 1, NaN, 0), [14, 11, 12, 10, 13]);
  assert.deepEqual(order(2 ** 42 + 7, 1030, 9, 8, 1030, NaN, 7), [16, 13, 12, 11, 14, 10, 15]);
  assert.deepEqual(order(Infinity, 3, -Infinity), [12, 11, 10]);
  assert.deepEqual(order(NaN), [10]);
  assert.deepEqual(order(), []);
});

test("batches and what names have in common", () => {
  assert.equal(d.batchOf("maps/europe/7"), "maps");
  assert.equal(d.batchOf("alone"), "");
  assert.equal(d.stemOf("maps/tile-0017-b2"), "tile-#-b#");
  assert.equal(d.stemOf("maps/0017"), "maps/#");
  assert.equal(d.stemOf("0017"), "#");
});

test("quantiles lie between their neighbours", () => {
  assert.equal(d.quantile([1, 2, 3, 4], 0.5), 2.5);
  assert.equal(d.quantile([7], 0.9), 7);
  assert.ok(Number.isNaN(d.quantile([], 0.5)));
  assert.equal(d.lower([1, 3, 5], 3), 1);
  assert.equal(d.lower([1, 3, 5], 9), 3);
});

test("a page is stale when its writer broke its word while work is open", () => {
  const page = (open, every) => ({ stamp: 1000, writes_every: every, counts: { todo: open, done: 5 } });
  assert.equal(d.ageOf(page(3, 30), 1080, 0).stale, false);
  assert.equal(d.ageOf(page(3, 30), 1091, 0).stale, true);
  assert.equal(d.ageOf(page(3, 30), 1091, 0).words, "its writer seems to be gone");
  assert.equal(d.ageOf(page(3, 5), 1059, 0).stale, false, "never before a minute");
  assert.equal(d.ageOf(page(0, 30), 99_999, 0).stale, false, "nothing is open");
  assert.equal(d.ageOf(page(3, null), 1500, 0).stale, false, "nobody promised");
  assert.equal(d.ageOf(page(3, 30), 4600, 3590).seconds, 10, "clocks differ");
});

test("clocks that differ are told of, and a page that came late is not called stale for them", () => {
  assert.equal(d.clockOf(2000, null, 1700).told, true);
  assert.equal(d.clockOf(2000, 10, 2008).told, false);
  assert.equal(d.clockOf(2000, 10, 2320).skew, 320);
  assert.equal(d.clockOf(2000, null, 9000).told, true, "once it was known it stays");
});

test("what changed is told in words, causes apart from failures", () => {
  const before = { counts: { done: 100, failed: 2, todo: 50 }, failures: [["a", 2]], silent: ["n9"] };
  const page = {
    counts: { done: 412, failed: 6, todo: 10 },
    since: {
      failures: [
        ["a", 3],
        ["b", 3],
      ],
      nodes_silent: ["n4"],
    },
  };
  assert.deepEqual(
    d.changes(before, page).map((each) => each.text),
    ["+312 done", "4 new failures of 1 new cause", "node n4 fell silent", "node n9 is back", "276 tasks added"],
  );
  assert.deepEqual(d.changes({ counts: page.counts, failures: page.since.failures, silent: ["n4"] }, page), []);
  const stopped = { counts: { done: 412, failed: 14, todo: 2 }, since: { ...page.since, cancelled: 8 } };
  const seen = { counts: page.counts, failures: page.since.failures, cancelled: 0, silent: ["n4"] };
  assert.deepEqual(d.changes(seen, stopped).map((each) => each.text), ["8 cancelled"], "no failures");
  const told = d.changes({ counts: { todo: 1 } }, { counts: { todo: 2 } });
  assert.deepEqual(told.map((each) => each.text), ["1 task added"]);
});
