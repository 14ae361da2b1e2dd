// A task among the others of its batch: its neighbours, and where its run time lies.
// The rule: pure counting over the columns; a place among others is told in words and drawn on a scale of logarithms.
(function (d) {
  "use strict";

  const tasks = d.tables.tasks,
    attempts = d.tables.attempts;

  const member = (batch) => (batch ? (task) => task.startsWith(`${batch}/`) : (task) => !task.includes("/"));

  /** {previous, next, previousFailed, nextFailed, at, of}: names in the order of the batch. */
  d.neighbours = (task) => {
    const inside = member(d.batchOf(task));
    const found = { previous: "", next: "", previousFailed: "", nextFailed: "", at: 0, of: 0 };
    let before = true;
    for (const row of d.order("task")) {
      const name = tasks.task[row];
      if (!inside(name)) continue;
      found.of += 1;
      if (name === task) {
        before = false;
        found.at = found.of;
        continue;
      }
      const failed = d.stateOf(row) === "failed";
      if (before) {
        found.previous = name;
        if (failed) found.previousFailed = name;
      } else {
        if (!found.next) found.next = name;
        if (failed) {
          found.nextFailed = name;
          break;
        }
      }
    }
    for (let row = 0, count = 0; row < tasks.count; row += 1) {
      if (inside(tasks.task[row])) found.of = count += 1;
    }
    return found;
  };

  /** Sorted run times of what ended well in a batch. */
  d.runTimes = (batch) => {
    const inside = member(batch),
      done = attempts.dictionaries.outcome.index.get("done");
    const found = [];
    for (let row = 0; row < attempts.count; row += 1) {
      if (attempts.outcome[row] === done && attempts.seconds[row] >= 0 && inside(attempts.task[row]))
        found.push(attempts.seconds[row]);
    }
    return Float64Array.from(found).sort();
  };

  /** Where a run time stands among those of what ended well, which it is one of or not. */
  function standing(times, seconds, below, others, isOne) {
    const last = times.length - 1;
    if (isOne && seconds >= times[last]) return `is the longest of the ${others}`;
    if (isOne && seconds <= times[0]) return `is the shortest of the ${others}`;
    if (seconds > times[last]) return `is longer than all ${others}`;
    if (seconds < times[0]) return `is shorter than all ${others}`;
    return below > 0.5
      ? `is longer than ${Math.floor(below * 100)} % of the ${others}`
      : `is shorter than ${Math.floor((1 - below) * 100)} % of the ${others}`;
  }

  /**
   * A strip with the quantiles of a batch and a mark for this one; null when there are too few.  outcome: "" while it runs,
   * and `done` for one of those that ended well.
   */
  d.strip = (batch, seconds, outcome) => {
    const times = d.runTimes(batch);
    if (times.length < 5 || !d.known(seconds)) return null;
    const q = (share) => d.quantile(times, share);
    const low = Math.max(1e-3, Math.min(times[0], seconds)),
      high = Math.max(times[times.length - 1], seconds, low * 1.01);
    const place = (value) =>
      ((Math.log(Math.max(value, low)) - Math.log(low)) / (Math.log(high) - Math.log(low))) * 100;
    const below = d.lower(times, seconds) / times.length;
    const others = `${d.many(times.length, "attempt")} that ended well ${batch ? `in ${d.plain(batch)}` : "outside of a batch"}`;
    const words = d.isOver(outcome)
      ? `Its run time of ${d.duration(seconds)} ${standing(times, seconds, below, others, outcome === "done")}`
      : `It has run for ${d.duration(seconds)}; ${Math.round(below * 100)} % of the ${others} were over by then`;
    const part = (name, from, to) => {
      const element = d.h("i", { class: `strip-${name}` });
      element.style.left = `${place(from)}%`;
      if (to !== undefined) element.style.width = `${Math.max(0.4, place(to) - place(from))}%`;
      return element;
    };
    return d.h(
      "figure",
      { class: "strip" },
      d.h(
        "figcaption",
        {},
        words,
      ),
      d.h(
        "div",
        { class: "strip-scale", "aria-hidden": "true" },
        part("whole", q(0.05), q(0.95)),
        part("box", q(0.25), q(0.75)),
        part("median", q(0.5)),
        part("own", seconds),
      ),
      d.h(
        "p",
        { class: "strip-words dim" },
        d.h("span", {}, d.duration(low)),
        d.h("span", {}, `middle half ${d.duration(q(0.25))} – ${d.duration(q(0.75))}, median ${d.duration(q(0.5))}`),
        d.h("span", {}, d.duration(high)),
      ),
    );
  };
})(globalThis.dsgspool);
