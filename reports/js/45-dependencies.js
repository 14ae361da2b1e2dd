// What a task waits for, and which tasks wait for it.
// The rule: the folders say it, waiting/after-NAME/ (a slash in NAME stands there as %); no task's text is read.
(function (d) {
  "use strict";

  const tasks = d.tables.tasks;
  const MOST = 20;

  const folderOf = (row) => d.pathOf(row).split("/")[0];

  /** Name, batch or pattern that a task in waiting/ waits for, "" for another one. */
  d.waitsFor = (row) => {
    const folder = d.stateOf(row) === "waiting" ? folderOf(row) : "";
    return folder.startsWith("after-") ? folder.slice("after-".length).replaceAll("%", "/") : "";
  };

  /** A task, a batch (a slash behind it) or a pattern. */
  const linked = (what) => {
    const batch = /^([^/]+)\/$/.exec(what);
    if (!batch && d.rowOf(what) < 0) return d.visible(what, true);
    const href = batch ? d.link("tasks", "", { q: d.term("batch", batch[1]) }) : d.link("task", what);
    return d.h("a", { href }, d.visible(what, true));
  };

  const listed = (names) => [
    ...names.slice(0, MOST).flatMap((name, at) => [at ? ", " : "", linked(name)].flat()),
    names.length > MOST ? ` and ${d.count(names.length - MOST)} more` : "",
  ];

  /** Both, as a list; null for a task that has to do with no other. */
  d.taskDependencies = (row) => {
    const before = d.waitsFor(row),
      task = tasks.task[row],
      waiters = [];
    for (let other = 0; other < tasks.count; other += 1)
      if (d.waitsFor(other) === task) waiters.push(tasks.task[other]);
    if (!before && !waiters.length) return null;
    const at = before ? d.rowOf(before) : -1;
    return d.h(
      "dl",
      { class: "pairs dependencies", "data-key": "dependencies" },
      before
        ? [
            d.h("dt", {}, "Waits for"),
            d.h("dd", {}, linked(before), at < 0 ? null : [", ", d.stateKey(d.stateOf(at)), d.stateLabel(d.stateOf(at))]),
          ]
        : null,
      waiters.length ? [d.h("dt", {}, "Waits for it"), d.h("dd", {}, listed(waiters))] : null,
    );
  };
})(globalThis.dsgspool);
