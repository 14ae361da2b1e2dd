// The top of a task's page: name, state in a sentence, progress, neighbours, and the table of its attempts.
// The rule: as in 42-task.js: no listeners; an attempt that a silent worker holds is told as that.
(function (d) {
  "use strict";

  const tasks = d.tables.tasks,
    attempts = d.tables.attempts;

  d.taskHead = (task, row) => {
    const slash = task.lastIndexOf("/") + 1;
    const is = row === null ? "" : d.stateOf(row);
    return d.h(
      "header",
      { class: `task-head is-${is}` },
      d.h(
        "h1",
        {},
        task.slice(0, slash) ? d.h("span", { class: "dim" }, d.visible(task.slice(0, slash), true)) : null,
        d.visible(task.slice(slash) || "Task", true),
      ),
      row === null
        ? null
        : d.h(
            "p",
            { class: "sentence" },
            d.h("b", { class: `badge ${is}` }, d.stateKey(is), d.stateLabel(is)),
            " ",
            d.visible(d.bare(sentence(row))),
          ),
    );
  };

  function sentence(row) {
    const is = d.stateOf(row),
      at = d.newestAttempt(row);
    const where = at < 0 ? "" : ` on ${attempts.word("host", at)}`;
    const of = at >= 0 && attempts.number[at] > 1 ? `, attempt ${attempts.number[at]}` : "";
    if (is === "running" && at >= 0 && attempts.word("outcome", at) === "silent")
      return `In the hands of a worker${where} that has been silent since ${d.moment(attempts.ended[at])}${of}`;
    if (is === "running")
      return at < 0 ? "Claimed by a worker, about to start" : `Runs${where} for ${d.duration(d.secondsOf(at))}${of}`;
    const idle = at >= 0 && d.neverRan(at);
    const took =
      at < 0 || idle || !d.known(attempts.ended[at])
        ? ""
        : ` after ${d.duration(d.secondsOf(at))}${where}, ${d.moment(attempts.ended[at])}${of}`;
    if (is === "done") return `Ended well${took}`;
    if (is === "failed" && d.sentBefore(row)) {
      const before = attempts.word("reason", at) || attempts.word("outcome", at);
      return `${tasks.word("tag", row)}; last attempt: ${before}${took}`;
    }
    if (is === "failed") {
      const why = (at >= 0 && attempts.word("reason", at)) || tasks.word("tag", row);
      if (idle) return `Not started, ${d.moment(attempts.ended[at])}${of}: ${why}`;
      return took && why ? `${took.replace(/^ a/, "A")}: ${why}` : why || took.trim();
    }
    const last =
      at < 0
        ? ""
        : attempts.word("outcome", at) === "done"
          ? `; it ended well before${took}`
          : `; last attempt: ${attempts.word("reason", at) || attempts.word("outcome", at) || "not over"}${took}`;
    if (is === "waiting")
      return (
        (d.known(tasks.until[row])
          ? `Not before ${d.exact(tasks.until[row])}`
          : d.whyOf(row) ||
            (d.waitsFor(row)
              ? `Waits for ${d.waitsFor(row)}`
              : `Lies in waiting/${d.pathOf(row).split("/")[0]}, where nobody takes it`)) + last
      );
    const parked = is === "hold" && (d.whyOf(row) || "Parked until somebody lets it run");
    return (parked || d.whyKept(row) || "Waits for a free slot") + last;
  }

  d.taskProgress = (row) => {
    const share = tasks.progress[row],
      line = tasks.word("line", row);
    if (d.stateOf(row) !== "running" || (!d.known(share) && !line)) return null;
    const bar = d.known(share) ? d.h("progress", { max: "1", value: String(share), "aria-label": "Progress" }) : null;
    return d.h(
      "p",
      { class: "task-progress" },
      bar,
      bar ? ` ${Math.round(share * 100)} % ` : null,
      d.h("code", {}, d.visible(d.bare(line))),
    );
  };

  /** The tags of a task, each a link to all that have it. */
  d.taskTags = (row) => {
    const all = d.tagsOf(row);
    if (!all.length) return null;
    const link = (tag) => d.h("a", { href: d.link("tasks", "", { q: d.term("tag", tag) }) }, d.visible(tag));
    return d.h("p", { class: "tags" }, all.length > 1 ? "Tags " : "Tag ", all.map((tag) => [link(tag), " "]));
  };

  d.taskNeighbours = (task) => {
    const found = d.neighbours(task),
      batch = d.batchOf(task);
    if (found.of < 2) return null;
    const link = (name, words, title) =>
      name
        ? d.h("a", { href: d.link("task", name), title: `${title}: ${d.plain(name)}` }, words)
        : d.h("span", { class: "dim", "aria-hidden": "true" }, words);
    return d.h(
      "p",
      { class: "neighbours", role: "group", "aria-label": "Neighbours in the batch" },
      d.h(
        "a",
        { href: d.link("tasks", "", { q: d.term("batch", batch) }) },
        batch ? d.plain(batch) : "outside of a batch",
      ),
      d.h("span", { class: "dim" }, `${d.count(found.at)} of ${d.count(found.of)}`),
      link(found.previous, "‹ previous", "Previous"),
      link(found.next, "next ›", "Next"),
      found.previousFailed || found.nextFailed
        ? [
            link(found.previousFailed, "‹ previous failed", "Previous that failed"),
            link(found.nextFailed, "next failed ›", "Next that failed"),
          ]
        : null,
    );
  };

  /** entries: of the attempts whose texts and logs are at hand. */
  d.attemptTable = (task, rows, at, entries) => {
    if (!rows.length) return d.h("p", { class: "none" }, "It has not been tried yet.");
    const heads = ["Attempt", "Outcome", "Node", "Started", "Waited", "Run time", "CPU time", "Memory", "Files"];
    const numbers = [4, 5, 6, 7];
    return d.h(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "Attempts" },
      d.h(
        "table",
        { class: "attempts" },
        d.h(
          "thead",
          {},
          d.h(
            "tr",
            {},
            heads.map((each, index) => d.h("th", { scope: "col", class: numbers.includes(index) ? "n" : "" }, each)),
          ),
        ),
        d.h(
          "tbody",
          {},
          [...rows].reverse().map((row) =>
            attemptRow(
              task,
              row,
              row === at,
              entries.find((each) => each.n === attempts.number[row]),
            ),
          ),
        ),
      ),
    );
  };

  /** Which of its files there are, as far as that is known. */
  const filesOf = (row, entry) =>
    ["yaml", "out", "err"].filter((suffix) =>
      suffix === "yaml" ? true : entry ? d.known((entry[suffix] || {}).bytes) : !d.neverRan(row),
    );

  function attemptRow(task, row, own, entry) {
    const n = attempts.number[row],
      outcome = attempts.word("outcome", row);
    const is = d.isOver(outcome) ? (outcome === "done" ? "done" : "failed") : "running";
    const wait = d.waitOf(row);
    const memory =
      d.size(attempts.memory[row]) +
      (d.known(attempts.memory_limit[row]) ? ` of ${d.size(attempts.memory_limit[row])}` : "");
    const cell = (text, facts = {}) => d.h("td", { class: "n", ...facts }, text);
    return d.h(
      "tr",
      { class: own ? "own" : "", "data-key": `attempt ${n}` },
      d.h(
        "th",
        { scope: "row" },
        d.h("a", { href: d.link("task", task, { n }), "aria-current": own ? "true" : null }, String(n)),
      ),
      d.h("td", {}, d.stateKey(is), d.visible(outcome || "running"), reason(row)),
      d.h("td", { title: d.plain(attempts.word("worker", row)) }, d.visible(attempts.word("host", row))),
      d.neverRan(row)
        ? d.h("td", { class: "dim", title: `looked at ${d.exact(attempts.started[row], true)}` }, "not started")
        : d.h("td", { title: d.exact(attempts.started[row], true) }, d.moment(attempts.started[row])),
      cell(d.known(wait) ? d.duration(wait) : "", { "data-label": "waited" }),
      cell(d.known(attempts.started[row]) && !d.neverRan(row) ? d.duration(d.secondsOf(row)) : "", { "data-label": "ran" }),
      cell(d.duration(attempts.cpu_seconds[row]), { "data-label": "CPU" }),
      cell(memory, { "data-label": "memory" }),
      d.h(
        "td",
        { class: "files" },
        filesOf(row, entry).map((suffix) => [
          d.h(
            "a",
            {
              href: d.address(`logs/${task}.${n}.${suffix}`),
              "aria-label": `${{ yaml: "record", out: "stdout", err: "stderr" }[suffix]} of attempt ${n}`,
            },
            `.${suffix}`,
          ),
          " ",
        ]),
      ),
    );
  }

  function reason(row) {
    const text = attempts.word("reason", row);
    return text ? d.h("span", { class: "reason dim" }, d.visible(d.bare(text))) : null;
  }
})(globalThis.dsgspool);
