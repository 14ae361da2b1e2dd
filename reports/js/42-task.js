// The page of one task: what it is, all of its attempts, and what the chosen one did.
// The rule: no listeners inside, so that a newer report changes it in place; what this report does not hold is a link
// to the file and a command.
(function (d) {
  "use strict";

  const tasks = d.tables.tasks,
    attempts = d.tables.attempts;
  let shown = "";

  d.view("task", {
    async draw(route, why) {
      const section = d.section("task");
      const task = route.rest;
      if (why !== "news" && shown !== task)
        section.replaceChildren(d.taskHead(task, null), d.h("p", { class: "dim busy" }, "Reading …"));
      await d.load("tasks", ...d.ATTEMPTS);
      const row = d.rowOf(task);
      if (row < 0) {
        missing(section, task);
        return;
      }
      const details = await d.detailsOf(task, tasks.detail[row]);
      if (d.route.name !== "task" || d.route.rest !== task) return;
      const content = d.h("div", {}, ...whole(row, details, route));
      const key = `${task} ${route.params.get("n") || ""}`;
      if (why === "news" || shown === key) keepingEnds(section, () => d.morph(section, content));
      else {
        section.replaceChildren(...content.childNodes);
        toTheEnds(section);
      }
      shown = key;
      curveOf(section, details, chosen(rowsOf(task), route));
    },
  });

  d.on("theme", () => {
    if (d.route && d.route.name === "task") {
      shown = "";
      d.show("theme");
    }
  });

  function missing(section, task) {
    shown = "";
    section.replaceChildren(
      d.taskHead(task, null),
      d.h(
        "p",
        {},
        task
          ? "There is no task of this name in the report. It may have been taken out of the spool, or it is newer than this page."
          : "No task is named in this address.",
      ),
      d.h("p", {}, d.h("a", { href: d.link("tasks") }, "All tasks")),
    );
  }

  function toTheEnds(section) {
    for (const pre of section.querySelectorAll("pre[data-tail]")) pre.scrollTop = pre.scrollHeight;
  }

  function keepingEnds(section, change) {
    const ends = [...section.querySelectorAll("pre[data-tail]")].filter(
      (pre) => pre.scrollHeight - pre.scrollTop - pre.clientHeight < 8,
    );
    change();
    for (const pre of ends) pre.scrollTop = pre.scrollHeight;
  }

  const rowsOf = (task) => {
    const found = [];
    for (let row = 0; row < attempts.count; row += 1) if (attempts.task[row] === task) found.push(row);
    return found.sort((a, b) => attempts.number[a] - attempts.number[b]);
  };

  function chosen(rows, route) {
    const wanted = Number(route.params.get("n"));
    return rows.find((row) => attempts.number[row] === wanted) ?? rows[rows.length - 1] ?? -1;
  }

  // -- the parts ------------------------------------------------------------------------------------------------

  function whole(row, details, route) {
    const task = tasks.task[row],
      rows = rowsOf(task),
      at = chosen(rows, route);
    const kept = (details && details.attempts) || [];
    const entry = at < 0 ? null : kept.find((each) => each.n === attempts.number[at]);
    const before = entry ? kept.filter((each) => each.n < entry.n).pop() : null;
    const newest = rows[rows.length - 1];
    const strip =
      newest === undefined || d.neverRan(newest)
        ? null
        : d.strip(
            d.batchOf(task),
            d.known(attempts.started[newest]) ? d.secondsOf(newest) : NaN,
            attempts.word("outcome", newest),
          );
    return [
      d.taskHead(task, row),
      d.taskProgress(row),
      d.taskTags(row),
      d.taskNeighbours(task),
      d.taskDependencies(row, entry ? entry.after || [] : []),
      d.attemptTable(task, rows, at, kept),
      strip,
      ...(at < 0 ? [] : [did(task, at, entry, { many: rows.length, before })]),
      commands(row),
    ];
  }

  function did(task, at, entry, details) {
    const n = attempts.number[at],
      files = (suffix) => d.address(`logs/${task}.${n}.${suffix}`),
      idle = d.neverRan(at);
    const head = idle ? "It was not started" : "What it did";
    return d.h(
      "section",
      { class: "did", "data-key": "did" },
      d.h("h2", {}, details.many > 1 ? `Attempt ${n}${idle ? ", not started" : ""}` : head),
      entry ? told(entry, files, details.before, idle) : elsewhere(task, files, idle),
    );
  }

  /** What this report does not hold. */
  function elsewhere(task, files, idle) {
    const link = (suffix, words) => d.h("a", { href: files(suffix) }, words);
    return [
      d.h(
        "p",
        { class: "none" },
        "Its texts and logs are not in this report, which keeps those of the newest; they lie in ",
        idle ? null : [link("out", "stdout"), ", ", link("err", "stderr"), " and "],
        link("yaml", "the record"),
        ".",
      ),
      d.command("Show it", `dsgspool --spool ${d.quote(d.current.root)} show ${d.quote(d.literal(task, d.isBatch(task)))}`),
    ];
  }

  /** True for logs with lines that half of the page has no room for. */
  const isWide = (entry) =>
    ["err", "out"].some((key) => entry[key] && d.terminalText(entry[key].tail).split("\n").some((line) => line.length > 64));

  function told(entry, files, before, idle) {
    const curve =
      (entry.curve || []).length > 1
        ? d.h(
            "section",
            { class: "curve", "data-key": "curve" },
            d.h("h3", {}, "Memory and CPU"),
            d.h("div", { "data-own": "curve", class: "chart" }),
          )
        : null;
    const logs = [
      ["stderr", "err"],
      ["stdout", "out"],
    ]
      .map(([label, key]) => d.logPane(label, key, entry[key], files(key)))
      .sort((one, other) => one.classList.contains("empty") - other.classList.contains("empty"));
    return [
      idle ? null : d.h("div", { class: isWide(entry) ? "logs wide" : "logs" }, logs),
      curve,
      ran(entry),
      d.environmentPane(entry.environment, before),
      entry.text ? d.textPane(idle ? "Task as it was read" : "Task as it was run", entry.text, true) : null,
      entry.record ? d.textPane("Record", entry.record) : null,
    ];
  }

  function ran(entry) {
    const command = Array.isArray(entry.command)
      ? entry.command.map((word) => d.quote(String(word))).join(" ")
      : entry.command;
    return d.h(
      "div",
      { class: "ran", "data-key": "ran" },
      command ? d.command("Command", command) : null,
      entry.cwd ? d.command("Folder", String(entry.cwd)) : null,
    );
  }

  function commands(row) {
    const change = d.changeFor(row),
      first = d.stateOf(row) === "failed" ? d.first(tasks.word("tag", row)) : "",
      all = d
        .commandsFor(d.current.root, [d.taskAt(row)], -1, d.isBatch)
        .map((each) => ({ ...each, label: `${each.label}${first}` })),
      found = change ? [d.changedCommand(d.current.root, tasks.task[row], change, d.isBatch), ...all.slice(1)] : all,
      is = d.stateOf(row),
      resume = is === "todo" ? d.heldBatch(row)[1] : "";
    const asked = (label, words) =>
      d.command(label, `dsgspool --spool ${d.quote(d.current.root)} ${words} ${d.quote(d.literal(tasks.task[row], d.isBatch(tasks.task[row])))}`);
    return d.h(
      "section",
      { class: "do", "data-key": "do" },
      d.h("h2", {}, "Commands"),
      resume ? d.command("Resume batch", resume) : null,
      found.map((each) => d.command(each.label, each.command)),
      rowsOf(tasks.task[row]).some((each) => !d.neverRan(each)) ? asked("Its logs", `logs${is === "running" ? " -f" : ""}`) : null,
      is === "done" ? null : asked("Why it is there", "why"),
    );
  }

  function curveOf(section, details, at) {
    const place = section.querySelector("[data-own='curve']");
    if (!place || at < 0 || !details) return;
    const entry = details.attempts.find((each) => each.n === attempts.number[at]);
    if (entry && d.drawCurve) d.drawCurve(place, entry.curve, { memory: attempts.memory_limit[at] });
  }
})(globalThis.dsgspool);
