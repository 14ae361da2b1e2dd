import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const d = load("02", "44");

test("what differs from the attempt before is set apart: changed, new and gone", () => {
  const found = d.environmentChanges({ A: "1", B: "new", D: "4" }, { A: "1", B: "old", C: "3" });
  assert.deepEqual(found.changed, [
    ["B", "old", "new"],
    ["C", "3", undefined],
    ["D", undefined, "4"],
  ]);
  assert.deepEqual(found.same, [["A", "1"]]);
});

test("without an attempt before nothing has changed, and names of objects are names", () => {
  assert.deepEqual(d.environmentChanges({ constructor: "x" }, null), { changed: [], same: [["constructor", "x"]] });
  assert.deepEqual(d.environmentChanges({}, { toString: "x" }).changed, [["toString", "x", undefined]]);
  assert.deepEqual(d.environmentChanges(undefined, undefined), { changed: [], same: [] });
});
