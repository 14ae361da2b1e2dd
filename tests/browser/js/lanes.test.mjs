import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const d = load("10", "50", "52");

function made(spans) {
  const starts = Float64Array.from(spans, ([start]) => start),
    ends = Float64Array.from(spans, ([, end]) => end);
  const rows = Uint32Array.from(spans, (_, row) => row).sort((a, b) => starts[a] - starts[b]);
  return d.packLanes(rows, starts, ends);
}

test("attempts that touch share a lane, those that overlap do not", () => {
  assert.deepEqual(
    made([
      [0, 10],
      [10, 20],
      [20, 30],
    ]).map((lane) => [...lane.rows]),
    [[0, 1, 2]],
  );
  assert.deepEqual(
    made([
      [0, 10],
      [5, 15],
      [12, 20],
    ]).map((lane) => [...lane.rows]),
    [[0, 2], [1]],
  );
});

test("there are as many lanes as ran at a time, and no overlap in any", () => {
  let seed = 7;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const spans = Array.from({ length: 3000 }, () => {
    const start = random() * 1e6;
    return [start, start + random() * 4000];
  });
  const lanes = made(spans);
  const most = Math.max(...spans.map(([at]) => spans.filter(([start, end]) => start <= at && at < end).length));
  assert.equal(lanes.length, most);
  assert.equal(
    lanes.reduce((sum, lane) => sum + lane.rows.length, 0),
    spans.length,
  );
  for (const lane of lanes)
    for (let at = 1; at < lane.rows.length; at += 1) assert.ok(lane.starts[at] >= lane.ends[at - 1]);
});

test("an attempt that ended before it began takes no room and does no harm", () => {
  assert.deepEqual(
    made([
      [10, 5],
      [10, 20],
    ]).map((lane) => [...lane.rows]),
    [[0, 1]],
  );
});

test("what is visible is what touches the view, and a hit is the nearest within reach", () => {
  const [lane] = made([
    [0, 10],
    [20, 30],
    [40, 50],
  ]);
  assert.deepEqual(d.visibleIn(lane, 12, 18), [1, 1]);
  assert.deepEqual(d.visibleIn(lane, 5, 45), [0, 3]);
  assert.equal(d.hitIn(lane, 25, 1), 1);
  assert.equal(d.hitIn(lane, 32, 3), 1);
  assert.equal(d.hitIn(lane, 35, 3), -1);
  assert.equal(d.hitIn(lane, -2, 3), 0);
});

test("marks of the axis are round and as few as asked", () => {
  process.env.TZ = "UTC";
  for (const width of [300, 5_000, 60_000, 3_600_000, 86_400_000, 90 * 86_400_000, 3 * 365 * 86_400_000]) {
    const ticks = d.ticks(1_795_861_234_567, 1_795_861_234_567 + width, 8);
    assert.ok(ticks.length >= 2 && ticks.length <= 9, `${width}: ${ticks.length}`);
    assert.equal(
      new Set(ticks.map((tick) => tick.label)).size,
      ticks.length,
      `${width}: ${ticks.map((tick) => tick.label)}`,
    );
  }
});

test("a zoom keeps the moment under the pointer and stays within bounds", () => {
  assert.deepEqual(d.zoomed([0, 100], 0.5, 50, [0, 100]), [25, 75]);
  assert.deepEqual(d.zoomed([0, 100], 0.5, 0, [0, 100]), [0, 50]);
  assert.deepEqual(d.zoomed([25, 75], 10, 50, [0, 100]), [0, 100]);
  const [from, to] = d.zoomed([50, 51], 0.001, 50.5, [0, 100], 1);
  assert.ok(to - from >= 1 - 1e-9);
  assert.deepEqual(d.within([-10, 20], [0, 100]), [0, 30]);
  assert.deepEqual(d.within([90, 130], [0, 100]), [60, 100]);
});

test("a peak between two columns is not lost", () => {
  const arrivals = Float64Array.from([0, 500, 500, 500, 800]),
    departures = Float64Array.from([501, 501, 501, 800, 900]);
  const peaks = d.peaks(arrivals, departures);
  assert.deepEqual([...peaks], [1, 2, 3, 4, 1]);
  const curve = { arrivals, departures, peaks };
  assert.deepEqual([...d.highest(curve, [0, 1000], 4, 1000)], [1, 1, 4, 1]);
  assert.deepEqual([...d.highest(curve, [600, 1000], 2, 1000)], [1, 1]);
  assert.deepEqual([...d.highest(curve, [0, 1000], 4, 300)], [1, 1, 0, 0]);
  assert.deepEqual([...d.highest(curve, [1000, 2000], 2, 2000)], [0, 0]);
});

test("of very many nodes or slots each has its place on the canvas, and the curves below them", () => {
  for (const [nodes, slots] of [[1, 1], [140, 32], [1, 9000], [900, 1], [5000, 1]]) {
    const hosts = Array.from({ length: nodes }, () => ({ lanes: Array(slots).fill(0) }));
    const layout = d.timelineLayout({ hosts, lanes: hosts.flatMap((host) => host.lanes) }, 1200, 600);
    const { curve, height, lanesEnd } = layout;
    assert.ok(height <= 6000.001 && curve.top + curve.height <= height && lanesEnd <= curve.top, `${nodes} ${slots}`);
    layout.hosts.forEach((place, at) => {
      const next = at + 1 < nodes ? layout.hosts[at + 1].top : lanesEnd;
      assert.ok(place.height > 0 && place.top + place.height <= next, `${nodes} ${slots} ${at}`);
    });
  }
});
