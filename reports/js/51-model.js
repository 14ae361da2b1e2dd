// What the timeline shows, made once for each version of the data: nodes with their lanes, colours of attempts, curves.
// The rule: an attempt that runs ends when the page was written; a lane is a place in which one attempt runs at a time,
// packed for each node, so that a node that was started often has not more lanes than slots.
(function (d) {
  "use strict";

  const attempts = d.tables.attempts;
  const BACK = ["stopped", "revoked", "pruned", "cancelled"]; // neither good nor bad
  const URGENT = ["failed", "lost"]; // what the strip of everything marks
  const PALETTE = 7,
    LISTED = 12;

  d.outcomeKind = (outcome) =>
    outcome === ""
      ? "running"
      : outcome === "done"
        ? "done"
        : outcome === "lost" || outcome === "silent"
          ? outcome
          : BACK.includes(outcome)
            ? "back"
            : "failed";
  d.KINDS = ["done", "running", "silent", "failed", "lost", "back"];

  /** {hosts, lanes, bounds, running, queued, untold, kinds, bad}; null when nothing has begun. */
  d.timelineModel = () => {
    const size = attempts.count,
      now = d.current.stamp * 1000;
    const { started } = attempts,
      over = new Float64Array(size);
    const begun = spans(over, now);
    if (!begun.length) return null;
    const sorted = d.ranked(begun, d.pick(started, begun));
    const hosts = nodes(byHost(sorted), started, over, now);
    const starts = d.pick(started, sorted);
    const ends = d.pick(over, sorted).sort();
    const kindOf = attempts.dictionaries.outcome.words.map((word) => d.KINDS.indexOf(d.outcomeKind(word)));
    const ofRow = kinds(size, kindOf);
    return {
      hosts,
      lanes: hosts.flatMap((host) => host.lanes),
      running: { arrivals: starts, departures: ends, peaks: d.peaks(starts, ends) },
      bounds: bounds(starts, ends),
      ...queue(sorted, starts, over),
      kinds: ofRow,
      bad: d.pick(over, sorted.filter((row) => URGENT.includes(d.KINDS[ofRow[row]]))).sort(),
    };
  };

  /** Fill in when each attempt was over; the rows of those whose command has begun. */
  function spans(over, now) {
    const rows = new Uint32Array(over.length),
      { started, ended } = attempts;
    const ran = attempts.dictionaries.outcome.words.map((word) => !d.NEVER_BEGAN.includes(word));
    let some = 0;
    for (let row = 0; row < over.length; row += 1) {
      const began = started[row];
      over[row] = Number.isNaN(ended[row]) ? now : Math.max(ended[row], began);
      if (began > 0 && began <= now + 86_400_000 && ran[attempts.outcome[row]]) {
        rows[some] = row;
        some += 1;
      }
    }
    return rows.subarray(0, some);
  }

  /** Number of a host -> its rows, in their order. */
  function byHost(sorted) {
    const all = attempts.dictionaries.host.words.map(() => []),
      { host } = attempts;
    for (let at = 0; at < sorted.length; at += 1) all[host[sorted[at]]].push(sorted[at]);
    return new Map([...all.entries()].filter(([, rows]) => rows.length).map(([at, rows]) => [at, Uint32Array.from(rows)]));
  }

  function kinds(size, kindOf) {
    const found = new Uint8Array(size);
    for (let row = 0; row < size; row += 1) found[row] = kindOf[attempts.outcome[row]];
    return found;
  }

  function bounds(starts, ends) {
    const first = starts[0],
      last = Math.max(ends[ends.length - 1], first + 1000);
    const spare = (last - first) * 0.01;
    return [Math.floor(first - spare), Math.ceil(last + spare)];
  }

  /**
   * Moments at which tasks came and were begun; those that wait still have come only.  `untold`: of how many is not known.
   * A task is queued once at a time: for a later attempt since the one before was over.
   */
  function queue(sorted, starts, over) {
    const waiting = d.current.queued;
    const came = new Float64Array(sorted.length + waiting.length),
      went = new Float64Array(sorted.length);
    const since = laterOnes(sorted, over);
    let known = 0;
    for (let at = 0; at < sorted.length; at += 1) {
      const row = sorted[at],
        moment = attempts.number[row] > 1 ? since(row) : attempts.submitted[row];
      if (moment <= starts[at]) {
        came[known] = moment;
        went[known] = starts[at];
        known += 1;
      }
    }
    came.set(waiting, known);
    const submitted = came.subarray(0, known + waiting.length).sort(),
      begun = went.subarray(0, known);
    return {
      queued: { arrivals: submitted, departures: begun, peaks: d.peaks(submitted, begun) },
      untold: Math.max(0, d.current.counts.todo - waiting.length),
    };
  }

  /**
   * Since when a later attempt was queued, asked in the order of their starts; NaN when its task had been done before.
   * Without names, which come later: attempts of one task tell the same moment of its file, unless that was edited.
   */
  function laterOnes(sorted, over) {
    const { submitted, number } = attempts,
      key = (row, n) => submitted[row] * 1024 + Math.min(n, 1023);
    const before = new Map();
    for (const row of sorted) if (number[row] > 1) before.set(key(row, number[row] - 1), []);
    if (before.size)
      for (let row = 0; row < over.length; row += 1) {
        const rows = before.get(key(row, number[row]));
        if (rows) rows.push(row);
      }
    const done = (row) => attempts.word("outcome", row) === "done";
    for (const rows of before.values()) rows.sort((a, b) => done(b) - done(a) || over[a] - over[b]);
    return (row) => {
      const rows = before.get(key(row, number[row] - 1));
      let at = rows.length - 1; // of tasks of one moment the newest end that fits, of one that was done last of all
      while (at >= 0 && over[rows[at]] > attempts.started[row]) at -= 1;
      if (at < 0) return submitted[row];
      const [last] = rows.splice(at, 1);
      return done(last) ? NaN : Math.max(submitted[row], over[last]);
    };
  }

  function nodes(byHost, began, over, now) {
    const names = [...byHost.keys()].map((host) => [attempts.dictionaries.host.words[host], host]);
    const known = new Set(names.map(([name]) => name));
    for (const worker of d.current.workers || [])
      if (!known.has(worker.host) && worker.state === "alive") {
        known.add(worker.host);
        names.push([worker.host, -1]);
      }
    names.sort((a, b) => d.natural(a[0], b[0]));
    return names.map(([name, host]) => {
      const lanes = host < 0 ? [] : d.packLanes(byHost.get(host), began, over);
      if (!lanes.length)
        lanes.push({ rows: new Uint32Array(0), starts: new Float64Array(0), ends: new Float64Array(0) });
      return { name: name || "no node", lanes, ...up(name, now) };
    });
  }

  /** When a node had a worker: [[from, to]...] in ms, and moments at which one was lost. */
  function up(name, now) {
    const spans = [],
      lost = [];
    for (const worker of d.current.workers || []) {
      if (worker.host !== name || !worker.started) continue;
      const last = worker.state === "alive" ? now : (worker.ended || worker.last || worker.started) * 1000;
      spans.push([worker.started * 1000, last]);
      if (worker.state === "silent" || worker.state === "dead") lost.push(last);
    }
    spans.sort((a, b) => a[0] - b[0]);
    const merged = [];
    for (const span of spans) {
      const before = merged[merged.length - 1];
      if (before && span[0] <= before[1]) before[1] = Math.max(before[1], span[1]);
      else merged.push(span);
    }
    return { up: merged, lost };
  }

  /**
   * Colours by `state`, `batch` or `name`: {of: colour of each row, keys: their names, urgent: which win a pixel,
   * legend: [{label, key, count}]}.
   */
  d.timelineColours = (model, by) => {
    if (by === "state") {
      const counts = new Array(d.KINDS.length).fill(0);
      for (const lane of model.lanes) for (const row of lane.rows) counts[model.kinds[row]] += 1;
      const labels = {
        done: "ended well",
        running: "running",
        silent: "its worker is silent",
        failed: "failed",
        lost: "lost with its worker",
        back: "stopped, given back",
      };
      return {
        of: model.kinds,
        keys: d.KINDS,
        urgent: [0, 1, 2, 3, 3, 0],
        legend: d.KINDS.map((key, index) => ({ label: labels[key], key, count: counts[index] })),
      };
    }
    const name = by === "batch" ? (task) => d.batchOf(task) || "outside of a batch" : d.stemOf;
    const index = new Map(),
      counts = [];
    const group = new Uint32Array(attempts.count);
    for (const lane of model.lanes) {
      for (const row of lane.rows) {
        const word = name(attempts.task[row]);
        let found = index.get(word);
        if (found === undefined) {
          index.set(word, (found = counts.length));
          counts.push(0);
        }
        counts[found] += 1;
        group[row] = found;
      }
    }
    const words = [...index.keys()];
    const order = words.map((_, at) => at).sort((a, b) => d.natural(words[a], words[b]));
    const colour = new Uint8Array(words.length); // neighbours by name differ; when there are many, colours come again
    order.forEach((at, place) => {
      colour[at] = place % PALETTE;
    });
    const shown =
      order.length > LISTED
        ? [...order]
            .sort((a, b) => counts[b] - counts[a])
            .slice(0, LISTED - 1)
            .sort((a, b) => d.natural(words[a], words[b]))
        : order;
    const legend = shown.map((at) => ({ label: words[at], key: `group-${colour[at] + 1}`, count: counts[at] }));
    const rest = order.filter((at) => !shown.includes(at)).reduce((sum, at) => sum + counts[at], 0);
    if (rest)
      legend.push({
        label: `${d.many(order.length - shown.length, "other")}, colours come again`,
        key: "group-rest",
        count: rest,
      });
    return {
      of: Uint8Array.from(group, (each) => colour[each]),
      keys: Array.from({ length: PALETTE }, (_, at) => `group-${at + 1}`),
      urgent: new Array(PALETTE).fill(0),
      legend,
    };
  };
})(globalThis.dsgspool);
