// The page of one task: what it is, all of its attempts, and what the chosen one did.
// The rule: no listeners inside, so that a newer report changes it in place; what this report does not hold is a link to the
// file and a command.
(function (d) {
  "use strict";

  const tasks = d.tables.tasks, attempts = d.tables.attempts;
  let shown = "";

  d.view("task", {
    async draw(route, why) {
      const section = d.section("task");
      const task = route.rest;
      if (why !== "news" && shown !== task) section.replaceChildren(head(task, null), d.h("p", { class: "dim busy" }, "Reading …"));
      await d.load("tasks", "attempts");
      const row = d.rowOf(task);
      if (row < 0) { missing(section, task); return; }
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

  d.on("theme", () => { if (d.route && d.route.name === "task") { shown = ""; d.show("theme"); } });

  function missing(section, task) {
    shown = "";
    section.replaceChildren(head(task, null),
      d.h("p", {}, task ? "There is no task of this name in the report. It may have been taken out of the spool, or it is newer than this page." : "No task is named in this address."),
      d.h("p", {}, d.h("a", { href: d.link("tasks") }, "All tasks")));
  }

  function toTheEnds(section) {
    for (const pre of section.querySelectorAll("pre[data-tail]")) pre.scrollTop = pre.scrollHeight;
  }

  function keepingEnds(section, change) {
    const ends = [...section.querySelectorAll("pre[data-tail]")].filter((pre) => pre.scrollHeight - pre.scrollTop - pre.clientHeight < 8);
    change();
    for (const pre of ends) pre.scrollTop = pre.scrollHeight;
  }

  const rowsOf = (task) => {
    const found = [];
    for (let row = 0; row < attempts.count; row += 1) if (attempts.task[row] === task) found.push(row);
    return found.sort((a, b) => attempts.n[a] - attempts.n[b]);
  };

  function chosen(rows, route) {
    const wanted = Number(route.params.get("n"));
    return rows.find((row) => attempts.n[row] === wanted) ?? rows[rows.length - 1] ?? -1;
  }

  // -- the parts ------------------------------------------------------------------------------------------------

  function head(task, row) {
    const slash = task.lastIndexOf("/") + 1;
    const is = row === null ? "" : d.stateOf(row);
    return d.h("header", { class: `task-head is-${is}` },
      d.h("h1", {}, task.slice(0, slash) ? d.h("span", { class: "dim" }, d.visible(task.slice(0, slash), true)) : null, d.visible(task.slice(slash) || "Task", true)),
      row === null ? null : d.h("p", { class: "sentence" }, d.h("b", { class: `badge ${is}` }, d.stateKey(is), d.stateLabel(is)), " ", d.visible(d.bare(sentence(row)))));
  }

  function sentence(row) {
    const is = d.stateOf(row), at = d.newestAttempt(row);
    const where = at < 0 ? "" : ` on ${attempts.word("host", at)}`;
    const of = at >= 0 && attempts.n[at] > 1 ? `, attempt ${attempts.n[at]}` : "";
    if (is === "running" && at >= 0 && attempts.word("outcome", at) === "lost") return `In the hands of a worker${where} that has been silent since ${d.moment(attempts.ended[at])}${of}`;
    if (is === "running") return at < 0 ? "Claimed by a worker, about to start" : `Runs${where} for ${d.duration(d.secondsOf(at))}${of}`;
    const took = at < 0 || !d.known(attempts.ended[at]) ? "" : ` after ${d.duration(d.secondsOf(at))}${where}, ${d.moment(attempts.ended[at])}${of}`;
    if (is === "done") return `Ended well${took}`;
    if (is === "failed") return `${at >= 0 && attempts.reason[at] || tasks.word("tag", row) || "Failed"}${took}`;
    const last = at < 0 ? "" : attempts.word("outcome", at) === "done" ? `; it ended well before${took}` : `; last attempt: ${attempts.reason[at] || attempts.word("outcome", at) || "not over"}${took}`;
    if (is === "waiting") return (d.known(tasks.until[row]) ? `Not before ${d.exact(tasks.until[row])}` : `Waits in ${tasks.path[row].split("/")[0]}`) + last;
    return (is === "hold" ? "Parked until somebody lets it run" : "Waits for a free slot") + last;
  }

  function whole(row, details, route) {
    const task = tasks.task[row], rows = rowsOf(task), at = chosen(rows, route);
    const entry = details && at >= 0 ? (details.attempts || []).find((each) => each.n === attempts.n[at]) : null;
    const newest = rows[rows.length - 1];
    const strip = newest === undefined ? null : d.strip(d.batchOf(task), d.known(attempts.started[newest]) ? d.secondsOf(newest) : NaN);
    return [head(task, row), progress(row), neighbourLinks(task), attemptTable(task, rows, at), strip,
      ...(at < 0 ? [] : [did(task, at, entry, rows.length)]), commands(row)];
  }

  function progress(row) {
    const share = tasks.progress[row], line = tasks.line[row];
    if (d.stateOf(row) !== "running" || (!d.known(share) && !line)) return null;
    const bar = d.known(share) ? d.h("progress", { max: "1", value: String(share), "aria-label": "Progress" }) : null;
    return d.h("p", { class: "task-progress" }, bar, bar ? ` ${Math.round(share * 100)} % ` : null, d.h("code", {}, d.visible(d.bare(line))));
  }

  function neighbourLinks(task) {
    const found = d.neighbours(task), batch = d.batchOf(task);
    if (found.of < 2) return null;
    const link = (name, words, title) => (name
      ? d.h("a", { href: d.link("task", name), title: `${title}: ${d.plain(name)}` }, words) : d.h("span", { class: "dim", "aria-hidden": "true" }, words));
    return d.h("p", { class: "neighbours", role: "group", "aria-label": "Neighbours in the batch" },
      d.h("a", { href: d.link("tasks", "", { q: d.term("batch", batch) }) }, batch ? d.plain(batch) : "outside of a batch"),
      d.h("span", { class: "dim" }, `${d.count(found.at)} of ${d.count(found.of)}`),
      link(found.previous, "‹ previous", "Previous"), link(found.next, "next ›", "Next"),
      found.previousFailed || found.nextFailed ? [link(found.previousFailed, "‹ previous failed", "Previous that failed"), link(found.nextFailed, "next failed ›", "Next that failed")] : null);
  }

  function attemptTable(task, rows, at) {
    if (!rows.length) return d.h("p", { class: "none" }, "It has not been tried yet.");
    const heads = ["Attempt", "Outcome", "Node", "Started", "Waited", "Run time", "CPU time", "Memory", "Files"];
    const numbers = [4, 5, 6, 7];
    return d.h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Attempts" }, d.h("table", { class: "attempts" },
      d.h("thead", {}, d.h("tr", {}, heads.map((each, index) => d.h("th", { scope: "col", class: numbers.includes(index) ? "n" : "" }, each)))),
      d.h("tbody", {}, [...rows].reverse().map((row) => attemptRow(task, row, row === at)))));
  }

  function attemptRow(task, row, own) {
    const n = attempts.n[row], outcome = attempts.word("outcome", row);
    const is = outcome === "" ? "running" : outcome === "done" ? "done" : "failed";
    const wait = (attempts.started[row] - attempts.submitted[row]) / 1000;
    const memory = d.size(attempts.memory[row]) + (d.known(attempts.memory_limit[row]) ? ` of ${d.size(attempts.memory_limit[row])}` : "");
    const cell = (text, facts = {}) => d.h("td", { class: "n", ...facts }, text);
    return d.h("tr", { class: own ? "own" : "", "data-key": `attempt ${n}` },
      d.h("th", { scope: "row" }, d.h("a", { href: d.link("task", task, { n }), "aria-current": own ? "true" : null }, String(n))),
      d.h("td", {}, d.stateKey(is), d.visible(outcome || "running"), reason(row)),
      d.h("td", { title: d.plain(attempts.word("worker", row)) }, d.visible(attempts.word("host", row))),
      d.h("td", { title: d.exact(attempts.started[row], true) }, d.moment(attempts.started[row])),
      cell(d.known(wait) ? d.duration(Math.max(0, wait)) : ""), cell(d.known(attempts.started[row]) ? d.duration(d.secondsOf(row)) : ""),
      cell(d.duration(attempts.cpu_seconds[row])), cell(memory),
      d.h("td", { class: "files" }, ["yaml", "out", "err"].map((suffix) =>
        [d.h("a", { href: d.address(`logs/${task}.${n}.${suffix}`), "aria-label": `${{ yaml: "record", out: "stdout", err: "stderr" }[suffix]} of attempt ${n}` }, `.${suffix}`), " "])));
  }

  function reason(row) {
    const text = attempts.reason[row];
    return text ? d.h("span", { class: "reason dim" }, d.visible(d.bare(text))) : null;
  }

  function did(task, at, entry, many) {
    const n = attempts.n[at];
    const title = d.h("h2", {}, many > 1 ? `Attempt ${n}` : "What it did");
    const files = (suffix) => d.address(`logs/${task}.${n}.${suffix}`);
    if (!entry) {
      return d.h("section", { class: "did", "data-key": "did" }, title,
        d.h("p", { class: "none" }, "Its texts and logs are not in this report, which keeps those of the newest; they lie in ", d.h("a", { href: files("out") }, "stdout"), ", ",
          d.h("a", { href: files("err") }, "stderr"), " and ", d.h("a", { href: files("yaml") }, "the record"), "."),
        d.command("Show it", `dsgspool --spool ${d.quote(d.current.root)} show ${d.quote(d.literal(task))}`));
    }
    const curve = (entry.curve || []).length > 1 ? d.h("section", { class: "curve", "data-key": "curve" }, d.h("h3", {}, "Memory and CPU"), d.h("div", { "data-own": "curve", class: "chart" })) : null;
    return d.h("section", { class: "did", "data-key": "did" }, title,
      d.h("div", { class: "logs" }, [["stderr", "err"], ["stdout", "out"]].map(([label, key]) => d.logPane(label, key, entry[key], files(key)))
        .sort((one, other) => one.classList.contains("empty") - other.classList.contains("empty"))),
      curve, ran(entry), environment(entry.environment),
      entry.text ? d.textPane("Task as it was run", entry.text, true) : null, entry.record ? d.textPane("Record", entry.record) : null);
  }

  function ran(entry) {
    const command = Array.isArray(entry.command) ? entry.command.map((word) => d.quote(String(word))).join(" ") : entry.command;
    return d.h("div", { class: "ran", "data-key": "ran" }, command ? d.command("Command", command) : null, entry.cwd ? d.command("Folder", String(entry.cwd)) : null);
  }

  function environment(variables) {
    const names = Object.keys(variables || {}).sort(d.natural);
    if (!names.length) return null;
    return d.h("details", { class: "text", "data-key": "environment", open: names.length <= 12 },
      d.h("summary", {}, `Environment: ${d.many(names.length, "variable")} beside the worker's own`),
      d.h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Environment" }, d.h("table", { class: "environment" }, d.h("tbody", {}, names.map((name) =>
        d.h("tr", {}, d.h("th", { scope: "row" }, d.h("code", {}, d.visible(name))), d.h("td", {}, d.h("code", {}, d.visible(variables[name])))))))));
  }

  function commands(row) {
    const found = d.commandsFor(d.current.root, [d.taskAt(row)], -1);
    return d.h("section", { class: "do", "data-key": "do" }, d.h("h2", {}, "Commands"),
      found.map((each) => d.command(each.label, each.command)),
      d.command("Its logs", `dsgspool --spool ${d.quote(d.current.root)} logs ${d.stateOf(row) === "running" ? "-f " : ""}${d.quote(d.literal(tasks.task[row]))}`));
  }

  function curveOf(section, details, at) {
    const place = section.querySelector("[data-own='curve']");
    if (!place || at < 0 || !details) return;
    const entry = details.attempts.find((each) => each.n === attempts.n[at]);
    if (entry && d.drawCurve) d.drawCurve(place, entry.curve, { memory: attempts.memory_limit[at] });
  }
})(globalThis.dsgspool);
