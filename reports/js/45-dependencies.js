// What a task waits for or waited for, which tasks wait for it, and who is to blame when it was never started.
// The rule: what waits is told by the folders, waiting/after-NAME/ (a slash in NAME stands there as %); what was tried by
// the details of its attempt, where its text has been read, and by the reason that its worker wrote.
(function (d) {
  "use strict";

  const tasks = d.tables.tasks,
    attempts = d.tables.attempts;
  const LONGEST = 20; // culprits behind each other
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
    return [d.h("a", { href }, d.visible(what, true))];
  };

  const listed = (names) => [
    ...names.slice(0, MOST).flatMap((name, at) => [at ? ", " : "", linked(name)].flat()),
    names.length > MOST ? ` and ${d.count(names.length - MOST)} more` : "",
  ];

  /** The same, and how it is now. */
  const standing = (what) => {
    const at = d.rowOf(what),
      is = at < 0 ? "" : d.stateOf(at);
    return [...linked(what), is ? [", ", d.stateKey(is), d.stateLabel(is)] : null].flat();
  };

  /** Who is to blame that a task was not started, by its record: "NAME (of BATCH/) has failed, and `after` wants ...". */
  d.culpritOf = (row) => {
    const at = row < 0 ? -1 : d.newestAttempt(row);
    if (at < 0 || d.stateOf(row) !== "failed" || attempts.word("outcome", at) !== "dependency") return "";
    const found = /^(.+?)(?: \(of .+\))? has (?:failed|succeeded), and `after` wants /.exec(attempts.word("reason", at));
    return found ? found[1] : "";
  };

  /** The culprit, what that one failed because of, and so on to the first cause. */
  const culprits = (row) => {
    const found = [];
    for (let next = d.culpritOf(row); next && !found.includes(next) && found.length < LONGEST; )
      next = d.culpritOf(d.rowOf(found[found.push(next) - 1]));
    return found;
  };

  const pair = (term, ...words) => [d.h("dt", {}, term), d.h("dd", {}, ...words)];
  const ENDING = { any: ", however it ends", failure: ", its failure" };

  /** All of it, as a list; null for a task that has to do with no other.  after: [[name, how it has to end]...]. */
  d.taskDependencies = (row, after) => {
    const before = d.waitsFor(row),
      task = tasks.task[row],
      guilty = culprits(row),
      waiters = [];
    for (let other = 0; other < tasks.count; other += 1)
      if (d.waitsFor(other) === task) waiters.push(tasks.task[other]);
    const told = [
      ...(before ? pair("Waits for", ...standing(before)) : []),
      ...(guilty.length
        ? pair(
            "Failed because of",
            ...guilty.flatMap((each, at) => [at ? "; that one because of " : "", ...standing(each)]),
          )
        : []),
      ...(after.length
        ? pair(
            "Comes after",
            ...after.slice(0, MOST).flatMap(([what, wants], at) => [
              at ? "; " : "",
              ...(guilty.includes(what) || what === before ? linked(what) : standing(what)),
              ENDING[wants] || "",
            ]),
            after.length > MOST ? ` and ${d.count(after.length - MOST)} more` : "",
          )
        : []),
      ...(waiters.length ? pair("Waits for it", listed(waiters)) : []),
    ];
    return told.length ? d.h("dl", { class: "pairs dependencies", "data-key": "dependencies" }, told) : null;
  };
})(globalThis.dsgspool);
