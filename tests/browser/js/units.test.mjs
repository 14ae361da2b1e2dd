import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const d = load("01");

test("durations are told as on the command line", () => {
  const told = {
    0: "0 ms",
    0.85: "850 ms",
    0.9999: "1.0 s",
    9.96: "10 s",
    12.3: "12 s",
    59.96: "1 min",
    60: "1 min",
    245: "4 min 05 s",
    720: "12 min",
    3599: "1 h 00 min",
    7800: "2 h 10 min",
    273600: "3 d 4 h",
  };
  for (const [seconds, words] of Object.entries(told)) assert.equal(d.duration(Number(seconds)), words);
  assert.equal(d.duration(NaN), "");
  assert.equal(d.duration(null), "");
});

test("sizes, counts and their unknown ones", () => {
  for (const [bytes, words] of Object.entries({
    0: "0 B",
    512: "512 B",
    1023: "1023 B",
    3400: "3.3 KiB",
    [2 ** 20 - 2 ** 10]: "1023.0 KiB",
    [2 ** 20]: "1.0 MiB",
    [100 * 2 ** 20]: "100.0 MiB",
    5.24e9: "4.9 GiB",
    [16 * 2 ** 30]: "16.0 GiB",
    [30 * 2 ** 40]: "30.0 TiB",
  }))
    assert.equal(d.size(Number(bytes)), words);
  assert.equal(d.size(NaN), "");
  assert.equal(d.many(1, "task"), "1 task");
  assert.equal(d.many(1234, "task"), "1,234 tasks");
});

test("what people type as numbers, sizes, times and moments", () => {
  const now = Date.parse("2026-11-28T12:00:00Z");
  assert.equal(d.amount("1.5h", "seconds"), 5400);
  assert.equal(d.amount("10m", "seconds"), 600);
  assert.equal(d.amount("500ms", "seconds"), 0.5);
  for (const two of ["2G", "2g", "2GB", "2GiB", "2048M"]) assert.equal(d.amount(two, "bytes"), 2 ** 31, two);
  assert.equal(d.amount("1KiB", "bytes"), 1024);
  assert.equal(d.amount("-2h", "moment", now), now - 7_200_000);
  assert.equal(d.amount("1795867200000", "moment", now), 1795867200000);
  assert.equal(d.amount("2026-11-28T10:00:00Z", "moment", now), now - 7_200_000);
  for (const wrong of ["", "x", "3q", "1G2", "--1"]) assert.ok(Number.isNaN(d.amount(wrong, "bytes")), wrong);
  assert.ok(Number.isNaN(d.amount("soon", "moment", now)));
});
