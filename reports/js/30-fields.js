// What a row of the table of tasks says: each column's text, number and width, for the table, the search, the order and
// CSV.
// The rule: one list of columns; a number that is not known is NaN, a text ""; the newest attempt speaks for its task.
(function (d) {
  "use strict";

  const tasks = d.tables.tasks,
    attempts = d.tables.attempts;

  const REST = ["worker", "cpus", "cpu", "load", "memory", "limit", "code", "signal", "out", "err"];

  /** The parts of the tables that columns and keys of a search need. */
  d.partsOf = (keys) => [
    "tasks",
    "runs",
    ...(keys.some((key) => REST.includes(key)) ? ["rest"] : []),
  ];

  const newest = (row) => {
    const at = tasks.row[row];
    return at >= 0 && at < attempts.count ? at : -1;
  };
  const number = (name) => (row) => {
    const at = newest(row);
    return at < 0 ? NaN : attempts[name][at];
  };
  const word = (name) => (row) => {
    const at = newest(row);
    return at < 0 ? "" : attempts.word(name, at);
  };
  /** The newest attempt, -1 when that never began: its node only wrote down what became of the task. */
  const begun = (row) => {
    const at = newest(row);
    return at >= 0 && d.neverBegan(at) ? -1 : at;
  };
  const place = (name) => (row) => (begun(row) < 0 ? "" : attempts.word(name, begun(row)));
  const state = (row) => tasks.word("state", row);
  /** Path of its file below the folder of its state; one that is not told is the one that each task begins with. */
  d.pathOf = (row) => tasks.word("path", row) || `${tasks.task[row]}.yaml`;
  const running = (row) => state(row) === "running";

  /** Seconds that an attempt took, or has taken when the page was written. */
  d.secondsOf = (at) => {
    if (!Number.isNaN(attempts.seconds[at])) return attempts.seconds[at];
    const ended = attempts.ended[at];
    return ((Number.isNaN(ended) ? d.current.stamp * 1000 : ended) - attempts.started[at]) / 1000;
  };
  /** True for an attempt that was over before its command was started: what it waits for failed, it came too late. */
  d.neverRan = (at) =>
    attempts.seconds[at] === 0 &&
    !d.known(attempts.out[at]) &&
    !d.known(attempts.err[at]) &&
    d.isOver(attempts.word("outcome", at));
  d.neverBegan = (at) => d.NEVER_BEGAN.includes(attempts.word("outcome", at));
  const seconds = (row) => {
    const at = newest(row);
    if (at >= 0 && d.neverRan(at)) return NaN;
    return at < 0 || (state(row) !== "running" && Number.isNaN(attempts.ended[at])) ? NaN : d.secondsOf(at);
  };
  const started = (row) => (begun(row) < 0 ? NaN : attempts.started[begun(row)]);
  /** Seconds from submission to start, of a first attempt: nothing says since when a task waited for another one. */
  d.waitOf = (at) =>
    attempts.number[at] === 1 ? Math.max(0, (attempts.started[at] - attempts.submitted[at]) / 1000) : NaN;
  const wait = (row) => (begun(row) < 0 ? NaN : d.waitOf(begun(row)));
  const submitted = (row) => (d.known(tasks.submitted[row]) ? tasks.submitted[row] : number("submitted")(row));
  const load = (row) => {
    const at = newest(row);
    return at < 0 ? NaN : attempts.cpu_seconds[at] / attempts.seconds[at];
  };
  const when = (row) => {
    const is = state(row);
    if (is === "running") return d.current.stamp * 1000;
    const at = newest(row);
    return at < 0 || (is !== "done" && is !== "failed") ? NaN : attempts.ended[at];
  };

  /** The `tags` of a task, as far as it has begun: they are told by the record of its newest attempt. */
  d.tagsOf = (row) => word("tags")(row).split("\n").filter(Boolean);

  const reason = (row) => {
    const tag = tasks.word("tag", row),
      at = newest(row);
    return at < 0 ? tag : attempts.word("reason", at) || tag;
  };
  /** What a failed task has to get more of before it runs again, "" for others. */
  d.changeFor = (row) => (state(row) === "failed" ? d.larger(tasks.task[row], tasks.word("tag", row), reason(row)) : "");
  const of = (map, key, other) => (map && Object.hasOwn(map, key) ? map[key] : other);
  /** [why, command] of a task's batch when none of it is started and a person has to help; two "" otherwise. */
  d.heldBatch = (row) => of((d.current.kept || {}).batches, d.batchOf(tasks.task[row]), ["", ""]);

  /** What `dsgspool why` says first of a task that does not run; "" when the page has no such sentence of it. */
  d.whyOf = (row) => {
    const said = of((d.current.kept || {}).tasks, tasks.task[row], "");
    return said && `${said[0].toUpperCase()}${said.slice(1)}`;
  };

  /** Why nobody will start a task in todo/; "" when nothing is known but that it waits for its turn. */
  d.whyKept = (row) => {
    const said = d.whyOf(row);
    if (said) return said;
    const path = d.pathOf(row);
    const lacks = path.startsWith("@") ? of((d.current.kept || {}).lanes, path.slice(1, path.indexOf("/")), "") : "";
    if (lacks) return `No node can run it: no living one has ${lacks}`;
    const [held] = d.heldBatch(row);
    return held ? `Its batch is not started: ${held}` : "";
  };

  /** True when not its newest attempt sent a task to failed/: a person cancelled what was to come after it. */
  d.sentBefore = (row) => {
    const at = newest(row),
      tag = tasks.word("tag", row);
    return at >= 0 && tag !== "" && d.isOver(attempts.word("outcome", at)) && attempts.word("outcome", at) !== tag;
  };

  /** Reasons of commands that ended by themselves: a line of the log tells more then, and nothing of all others. */
  const BY_ITSELF = /^(exit|signal|items)/;
  const last = (at) => `last attempt: ${attempts.word("reason", at) || attempts.word("outcome", at)}`;

  /** The most telling sentence about a task. */
  const note = (row) => {
    const at = newest(row),
      is = state(row);
    if (is === "running") return tasks.word("line", row);
    const ended = at >= 0 && d.isOver(attempts.word("outcome", at));
    const bad = ended && attempts.word("outcome", at) !== "done";
    if (is === "waiting") {
      const due = d.known(tasks.until[row])
        ? `not before ${d.moment(tasks.until[row])}`
        : d.whyOf(row) ||
          (d.waitsFor(row) ? `waits for ${d.waitsFor(row)}` : d.pathOf(row).split("/")[0]);
      return due + (bad ? `; ${last(at)}` : "");
    }
    if (is === "failed" && d.sentBefore(row)) return `${tasks.word("tag", row)}; ${last(at)}`;
    if (is === "failed") {
      const line = at >= 0 ? attempts.word("error", at) : "";
      return BY_ITSELF.test(tasks.word("tag", row)) ? line || reason(row) : reason(row) || line;
    }
    const kept = is === "todo" ? d.whyKept(row) : is === "hold" ? d.whyOf(row) : "";
    return [kept, bad ? last(at) : ""].filter(Boolean).join("; ");
  };

  const column = (key, label, facts) => ({ key, label, width: "7.5em", ...facts });
  const amount = (key, label, value, human, facts = {}) => column(key, label, { number: true, value, human, ...facts });
  const point = (key, label, value) =>
    amount(key, label, value, (each) => d.moment(each), { moment: true, width: "8.5em" });
  const percent = (share) => (d.known(share) ? `${Math.round(share * 100)} %` : "");

  d.columns = [
    column("task", "Task", { value: (row) => tasks.task[row], width: "minmax(13em, 2fr)" }),
    column("state", "State", { value: state, width: "13.5em" }),
    column("batch", "Batch", { value: (row) => d.batchOf(tasks.task[row]), width: "8em" }),
    column("host", "Node", { value: place("host") }),
    column("worker", "Worker", { value: place("worker"), width: "10em" }),
    amount("attempts", "Attempts", (row) => tasks.attempts[row], d.count, { width: "6em" }),
    point("submitted", "Submitted", submitted),
    amount("wait", "Waited", wait, d.duration),
    point("started", "Started", started),
    point("ended", "Ended", number("ended")),
    amount("when", "Ended", when, (each) => d.moment(each), { moment: true, width: "8em" }),
    amount("seconds", "Run time", seconds, d.duration),
    amount("cpus", "CPUs", number("cpus"), d.count, { width: "5em" }),
    amount("cpu", "CPU time", number("cpu_seconds"), d.duration),
    amount("load", "CPU used", load, percent, { width: "6.5em" }),
    amount("memory", "Memory", number("memory"), d.size, { width: "6.5em" }),
    amount("limit", "Limit", number("memory_limit"), d.size, { width: "6.5em" }),
    column("outcome", "Outcome", { value: word("outcome"), width: "7em" }),
    amount("code", "Code", number("code"), String, { width: "5em" }),
    amount("signal", "Signal", number("signal"), String, { width: "5em" }),
    amount("out", "stdout", number("out"), d.size, { width: "6em" }),
    amount("err", "stderr", number("err"), d.size, { width: "6em" }),
    column("tags", "Tags", { value: (row) => d.tagsOf(row).join(", "), width: "10em" }),
    column("note", "Note", { value: (row) => d.bare(note(row)), width: "minmax(12em, 3fr)" }),
  ];
  d.column = Object.fromEntries(d.columns.map((each) => [each.key, each]));
  d.column.code.human = d.column.signal.human = (value) => (d.known(value) ? String(value) : "");

  d.columnSets = {
    basic: ["task", "state", "host", "when", "seconds", "note"],
    times: ["task", "state", "attempts", "submitted", "wait", "started", "ended", "seconds"],
    resources: ["task", "state", "host", "seconds", "cpus", "cpu", "load", "memory", "limit", "out", "err"],
    all: d.columns.map((each) => each.key).filter((key) => key !== "when"),
  };

  /** What stands in a cell. */
  d.cell = (key, row, raw) => {
    const found = d.column[key];
    const value = found.value(row);
    if (!found.number) return value;
    if (key === "when" && running(row)) return "runs";
    if (!d.known(value)) return "";
    if (raw) return found.moment ? d.exact(value) : String(value);
    return found.human(value);
  };

  // -- for the search -------------------------------------------------------------------------------------------

  const lowered = { version: -1, all: [] };
  const all = (row) => {
    if (lowered.version !== tasks.version) Object.assign(lowered, { version: tasks.version, all: [] });
    return lowered.all[row] || (lowered.all[row] = whole(row));
  };
  const whole = (row) => {
    const at = newest(row);
    const own = `${tasks.task[row]}\n${tasks.word("tag", row)}\n${tasks.word("line", row)}`;
    return (
      at < 0 ? own : `${own}\n${place("host")(row)}\n${attempts.word("reason", at)}\n${attempts.word("error", at)}\n${attempts.word("tags", at)}`
    ).toLowerCase();
  };

  const asked = {
    all,
    until: (row) => tasks.until[row],
    progress: (row) => tasks.progress[row],
    tag: (row) => [tasks.word("tag", row), ...d.tagsOf(row)].join("\n"),
    line: (row) => tasks.word("line", row),
    error: word("error"),
    reason: (row) => `${tasks.word("tag", row)}\n${word("reason")(row)}\n${word("error")(row)}`,
    name: (row) => tasks.task[row].slice(tasks.task[row].lastIndexOf("/") + 1),
  };
  for (const each of d.columns) if (!Object.hasOwn(asked, each.key)) asked[each.key] = each.value;

  /** What a query asks of a row. */
  d.ask = (key, row) => asked[key](row);

  // -- order ----------------------------------------------------------------------------------------------------

  const orders = new Map();
  let ordered = "";

  /** All rows in the order of a column (`-seconds`: largest first); what is not known comes last. */
  d.order = (sort) => {
    const stamp = `${tasks.version} ${attempts.version}`;
    if (ordered !== stamp) {
      orders.clear();
      ordered = stamp;
    }
    if (!orders.has(sort)) orders.set(sort, makeOrder(sort));
    return orders.get(sort);
  };

  function makeOrder(sort) {
    const down = sort.startsWith("-"),
      found = d.column[sort.replace(/^-/, "")];
    const rows = new Uint32Array(tasks.count);
    for (let row = 0; row < rows.length; row += 1) rows[row] = row;
    const values = found.number ? numbers(rows, found.value) : ranks(rows, found.value);
    return d.ranked(rows, down ? values.map((value) => -value) : values);
  }

  function numbers(rows, value) {
    const found = new Float64Array(rows.length);
    for (let row = 0; row < rows.length; row += 1) found[row] = value(row);
    return found;
  }

  /** Texts as numbers that have the same order; "" is not known. */
  function ranks(rows, value) {
    const texts = Array.from(rows, value);
    const words = [...new Set(texts)].sort(d.natural);
    const rank = new Map(words.map((each, index) => [each, each === "" ? NaN : index]));
    return Float64Array.from(texts, (each) => rank.get(each));
  }

  d.newestAttempt = newest;
  d.noteOf = note;
  d.stateOf = state;
})(globalThis.dsgspool);
