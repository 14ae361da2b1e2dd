import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const d = load("10", "60");
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
