import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const d = load("00", "01", "10", "23", "25");

test("chunks come in any order, words and unknown numbers stay what they are", () => {
  const table = d.newAttempts();
  const chunk = (first, tasks, hosts, seconds) => ({
    first,
    rows: tasks.length,
    words: [...tasks, ...new Set(hosts)],
    task_w: tasks.map((_, at) => at),
    host_w: hosts.map((host) => [...tasks, ...new Set(hosts)].indexOf(host)),
    seconds,
  });
  table.take(chunk(2, ["c", "__proto__"], ["n2", "n1"], [3, null]));
  table.take(chunk(0, ["a", "b"], ["n1", "n1"], [1.5, 2]));
  table.commit(4);
  assert.deepEqual(table.task.slice(0, table.count), ["a", "b", "c", "__proto__"]);
  assert.deepEqual(
    [0, 1, 2, 3].map((row) => table.word("host", row)),
    ["n1", "n1", "n2", "n1"],
  );
  assert.deepEqual([...table.seconds.subarray(0, 4)], [1.5, 2, 3, NaN]);
  assert.ok(Number.isNaN(table.memory[0]), "a column that is not there is not known");
  assert.equal(table.word("outcome", 0), "");
  table.take(chunk(2, ["x"], ["n9"], [9]));
  table.commit(3);
  assert.deepEqual(table.task.slice(0, table.count), ["a", "b", "x"]);
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
});
