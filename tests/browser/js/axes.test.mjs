import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const d = load("01", "10", "60", "61");
const grown = (from, to, bins = 24) => Array.from({ length: bins + 1 }, (_, at) => from * (to / from) ** (at / bins));

test("a scale that grows by factors has marks that read well, whatever its width", () => {
  for (const [from, to, unit] of [
    [0.9e9, 7.7e9, "B"],
    [3.1e9, 10.2e9, "B"],
    [705e6, 2.2e9, "B"],
    [40, 345, "s"],
    [600, 3700, "s"],
    [0.02, 3, "s"],
    [3, 90_000, "s"],
    [30, 2400, "s"],
  ]) {
    const edges = grown(from, to);
    const marks = d.logSplits(edges, unit);
    assert.ok(marks.length >= 3, `${from} to ${to} ${unit}: ${marks.map(([, value]) => value)}`);
    for (const [place, value] of marks) {
      assert.ok(value >= from && value <= to && place >= 0 && place <= 24);
      assert.equal(d.logValue(edges, unit, place), value);
    }
    assert.deepEqual(
      marks.map(([, value]) => value),
      [...new Set(marks.map(([, value]) => value))].sort((a, b) => a - b),
    );
  }
});

test("a scale without a round value inside has its ends", () => {
  const edges = [1.01e9, 1.02e9, 1.03e9];
  assert.deepEqual(d.logSplits(edges, "B"), [
    [0, 1.01e9],
    [2, 1.03e9],
  ]);
});

test("numbers below one have marks too, on a scale that grows by factors", () => {
  assert.deepEqual(d.plot.round([0.004, 40], ""), [0.01, 0.1, 1, 10]);
  assert.deepEqual(
    d.plot.round([0.04, 6], "").map((value) => Number(value.toPrecision(3))),
    [0.1, 0.3, 1, 3],
  );
});

test("what was asked for decides whether its plot grows by factors, and nothing used is seen where it does not", () => {
  const one = [0.06, 0.001, 0, 0.9].map((used, at) => [1, used, `t${at}`]);
  assert.deepEqual(d.spread(one, false), { log: false, points: one, low: 0, high: 1 });
  const many = [[1, 0.02], [64, 0], [64, 50]];
  assert.deepEqual(d.spread(many, false), { log: true, points: [many[0], many[2]], low: 0.02, high: 64 });
  assert.equal(d.spread([[10, 0.1], [11, 200]], true).log, true);
  assert.equal(d.spread([[10, 20], [11, 60]], true).log, false);
});

test("marks of sizes are whole in the units in which they are told", () => {
  const told = (from, to) => d.plot.round([from, to], "B").map(d.plot.shortUnit("B"));
  assert.deepEqual(told(2.9 * 2 ** 30, 9.5 * 2 ** 30), ["3 GiB", "4 GiB", "6 GiB", "8 GiB"]);
  assert.deepEqual(told(100, 2 ** 42), ["1 KiB", "1 MiB", "1 GiB", "1 TiB"]);
});

test("an even axis of sizes has its marks apart by powers of two, others as they were", () => {
  d.colour = () => "";
  assert.ok(d.plot.axis({ unit: "B" }).incrs.every((step) => Number.isInteger(Math.log2(step))));
  assert.ok(!("incrs" in d.plot.axis({ unit: "s" })) && !("incrs" in d.plot.axis({})));
});
