// The arithmetic of the timeline: lanes, visible parts of them, marks of an axis of time, zoom.
// The rule: pure, and nothing here grows with the number of attempts once lanes are packed: what is visible is found by
// halving.
(function (d) {
  "use strict";

  /**
   * Pack rows into as few lanes as they need.  starts, ends: by row; rows in the order of their starts.  [{rows,
   * starts, ends}]
   */
  d.packLanes = (rows, starts, ends) => {
    const laneOf = new Uint32Array(rows.length);
    const sizes = assign(rows, starts, ends, laneOf);
    const lanes = sizes.map((size) => ({
      rows: new Uint32Array(size),
      starts: new Float64Array(size),
      ends: new Float64Array(size),
    }));
    divide(rows, starts, ends, laneOf, lanes);
    return lanes;
  };

  // Long loops stand in functions of their own: left in the midst of one, what was compiled for them is thrown away.

  /** Say of each row in which lane it is; the sizes of the lanes. */
  function assign(rows, starts, ends, laneOf) {
    const sizes = [],
      until = [], // of each lane: the end of its last attempt
      heap = []; // lanes by that
    for (let at = 0; at < rows.length; at += 1) {
      const start = starts[rows[at]],
        end = Math.max(ends[rows[at]], start);
      let lane = heap.length ? heap[0] : -1;
      if (lane >= 0 && until[lane] <= start) {
        until[lane] = end;
        sink(heap, until);
      } else {
        lane = until.push(end) - 1;
        sizes.push(0);
        rise(heap, until, lane);
      }
      laneOf[at] = lane;
      sizes[lane] += 1;
    }
    return sizes;
  }

  function divide(rows, starts, ends, laneOf, lanes) {
    const next = new Uint32Array(lanes.length);
    for (let at = 0; at < rows.length; at += 1) {
      const row = rows[at],
        lane = lanes[laneOf[at]],
        place = next[laneOf[at]];
      next[laneOf[at]] = place + 1;
      lane.rows[place] = row;
      lane.starts[place] = starts[row];
      lane.ends[place] = Math.max(ends[row], starts[row]);
    }
  }

  const before = (a, b, until) => until[a] < until[b] || (until[a] === until[b] && a < b);

  function rise(heap, until, lane) {
    let at = heap.push(lane) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (!before(heap[at], heap[up], until)) break;
      [heap[at], heap[up]] = [heap[up], heap[at]];
      at = up;
    }
  }

  /** The first one ends later now. */
  function sink(heap, until) {
    for (let at = 0; ;) {
      let least = at;
      for (let down = 2 * at + 1; down <= 2 * at + 2 && down < heap.length; down += 1)
        if (before(heap[down], heap[least], until)) least = down;
      if (least === at) break;
      [heap[at], heap[least]] = [heap[least], heap[at]];
      at = least;
    }
  }

  /** [first, beyond the last) of the attempts of a lane that touch [from, to]. */
  d.visibleIn = (lane, from, to) => [d.lower(lane.ends, from), d.lower(lane.starts, to)];

  /** The attempt of a lane at a moment, or the nearest within `reach`; -1 when there is none. */
  d.hitIn = (lane, moment, reach) => {
    const [first, beyond] = d.visibleIn(lane, moment - reach, moment + reach);
    let best = -1,
      least = Infinity;
    for (let at = Math.max(0, first - 1); at < Math.min(beyond + 1, lane.rows.length); at += 1) {
      const apart = Math.max(lane.starts[at] - moment, moment - lane.ends[at], 0);
      if (apart <= reach && apart < least) {
        best = at;
        least = apart;
      }
    }
    return best;
  };

  /** How many are there after each arrival; both sorted.  Who leaves at the moment of an arrival has left before it. */
  d.peaks = (arrivals, departures) => {
    const found = new Uint32Array(arrivals.length);
    for (let at = 0, gone = 0; at < arrivals.length; at += 1) {
      while (gone < departures.length && departures[gone] <= arrivals[at]) gone += 1;
      found[at] = Math.max(0, at + 1 - gone);
    }
    return found;
  };

  /** The most that were there at a time in each of so many columns of [from, to], nothing after `until`. */
  d.highest = ({ arrivals, departures, peaks }, [from, to], columns, until) => {
    const found = new Float64Array(columns),
      width = (to - from) / columns;
    let next = d.lower(arrivals, from);
    for (let at = 0; at < columns && from + at * width <= until; at += 1) {
      const left = from + at * width;
      found[at] = Math.max(0, d.lower(arrivals, left) - d.lower(departures, left));
      for (; next < arrivals.length && arrivals[next] < left + width; next += 1)
        if (peaks[next] > found[at]) found[at] = peaks[next];
    }
    return found;
  };

  const S = 1000,
    M = 60 * S,
    H = 60 * M,
    D = 24 * H;
  const STEPS = [
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    S,
    2 * S,
    5 * S,
    10 * S,
    15 * S,
    30 * S,
    M,
    2 * M,
    5 * M,
    10 * M,
    15 * M,
    30 * M,
    H,
    2 * H,
    3 * H,
    6 * H,
    12 * H,
    D,
    2 * D,
    7 * D,
    14 * D,
    28 * D,
    91 * D,
    364 * D,
  ];
  const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
  const two = (number) => String(number).padStart(2, "0");

  /** Marks between two moments, at most `most`: [{at, label, major}], round in the reader's time zone. */
  d.ticks = (from, to, most) => {
    const step = STEPS.find((each) => (to - from) / each <= most) || STEPS[STEPS.length - 1];
    const zone = (at) => new Date(at).getTimezoneOffset() * M;
    const found = [];
    let at = Math.ceil((from - zone(from)) / step) * step + zone(from);
    for (let guard = 0; at <= to && guard < 200; guard += 1) {
      const date = new Date(at);
      const midnight =
        date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0 && date.getMilliseconds() === 0;
      found.push({ at, label: tickLabel(date, step, midnight), major: midnight });
      const next = at + step;
      at = step >= H ? next + zone(next) - zone(at) : next;
    }
    return found;
  };

  function tickLabel(date, step, midnight) {
    if (step >= D || midnight) return `${date.getDate()} ${MONTHS[date.getMonth()]}`;
    const clock = `${two(date.getHours())}:${two(date.getMinutes())}`;
    if (step >= M) return clock;
    return step >= S
      ? `${clock}:${two(date.getSeconds())}`
      : `${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
  }

  /** A view made larger or smaller around a moment, within bounds: [from, to]. */
  d.zoomed = ([from, to], factor, around, [least, most], smallest = 20) => {
    const whole = most - least;
    const width = Math.min(whole, Math.max(smallest, (to - from) * factor));
    const share = to > from ? (around - from) / (to - from) : 0.5;
    return d.within([around - width * share, around + width * (1 - share)], [least, most]);
  };

  /** A view moved into bounds without a change of its width where that is possible. */
  d.within = ([from, to], [least, most]) => {
    const width = Math.min(to - from, most - least);
    const start = Math.min(Math.max(from, least), most - width);
    return [start, start + width];
  };
})(globalThis.dsgspool);
