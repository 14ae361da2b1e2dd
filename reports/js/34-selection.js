// Which tasks are selected, and the commands that do something to them: the page itself can do nothing, it is a file.
// The rule: a selection is of names, so it stays when a newer report comes; a command names only tasks that it fits.
(function (d) {
  "use strict";

  d.selection = new Set();
  const listeners = [];
  d.onSelection = (call) => listeners.push(call);
  d.selectionChanged = () => {
    for (const call of listeners) call();
  };
  d.select = (task, on) => {
    if (on) d.selection.add(task);
    else d.selection.delete(task);
  };
  d.selectAll = (rows, on) => {
    for (const row of rows) d.select(d.tables.tasks.task[row], on);
    d.selectionChanged();
  };

  // Whoever claims one that waits for others looks at its `after` anew, and puts it back when something is not met.
  const waitsForOthers = (each) => each.state === "waiting" && (each.path || "").startsWith("after-");
  const any = () => true;
  const VERBS = [
    ["requeue", "Run again", ["failed", "done"], "todo", any],
    ["hold", "Hold", ["todo", "waiting", "running"], "hold", any],
    ["release", "Let run", ["hold", "waiting"], "todo", (each) => !waitsForOthers(each)],
    ["release", "Look again", ["waiting"], "todo", waitsForOthers],
    ["cancel", "Cancel", ["running", "todo", "waiting", "hold"], "failed", any],
  ];
  // What is in a worker's hands or waits for a moment is left to the program.
  const BY_HAND = ["failed", "done", "todo", "hold"];

  /** [{label, command, note}] for tasks [{task, state, path}].  Pure. */
  d.commandsFor = (root, tasks, failedInAll, isBatch = () => false) => {
    const found = [];
    for (const [verb, label, states, to, isFit] of VERBS) {
      const fit = tasks.filter((each) => states.includes(each.state) && isFit(each));
      if (!fit.length) continue;
      const failed = fit.filter((each) => each.state === "failed");
      if (verb === "requeue" && failed.length === fit.length && fit.length > d.NAMES && fit.length === failedInAll) {
        found.push({
          label,
          command: `dsgspool --spool ${d.quote(root)} requeue --failed`,
          note: `all ${d.count(fit.length)} that failed`,
        });
        continue;
      }
      const made = d.verbCommand(
        root,
        verb,
        fit.map((each) => each.task),
        isBatch,
      );
      found.push({ label, command: made.command, note: noted(made, fit.length, tasks.length) });
      const files = fit.filter((each) => BY_HAND.includes(each.state) && each.path);
      if (files.length && verb !== "cancel") {
        const moved = d.moveCommand(root, files, to);
        found.push({ label: "By hand", command: moved.command, note: noted(moved, files.length, tasks.length) });
      }
    }
    return found;
  };

  function noted(made, fit, all) {
    if (made.left)
      return `the first ${d.count(made.names)} of ${d.count(fit)}: a command line has an end; select fewer, or run it and come back`;
    return fit === all ? "" : `${d.count(fit)} of the ${d.count(all)}`;
  }

  let known = { key: "", index: new Map(), folders: new Set() };
  function index() {
    const key = String(d.tables.tasks.version);
    if (known.key !== key) {
      known = { key, index: new Map(), folders: new Set() };
      const names = d.tables.tasks.task;
      for (let row = 0; row < d.tables.tasks.count; row += 1) {
        known.index.set(names[row], row);
        for (let end = names[row].indexOf("/"); end > 0; end = names[row].indexOf("/", end + 1))
          known.folders.add(names[row].slice(0, end));
      }
    }
    return known;
  }

  /** Row of a task, -1 when there is none. */
  d.rowOf = (task) => index().index.get(task) ?? -1;

  /** Whether tasks lie in a folder of this name. */
  d.isBatch = (name) => index().folders.has(name);

  d.taskAt = (row) => ({ task: d.tables.tasks.task[row], state: d.stateOf(row), path: d.pathOf(row) });

  d.drawSelection = (element) => {
    const rows = [...d.selection].map(d.rowOf).filter((row) => row >= 0);
    element.hidden = !rows.length;
    if (!rows.length) {
      element.replaceChildren();
      return;
    }
    const commands = d.commandsFor(d.current.root, rows.map(d.taskAt), d.current.counts.failed, d.isBatch);
    element.replaceChildren(
      d.h(
        "p",
        {},
        d.h("b", {}, `${d.many(rows.length, "task")} selected`),
        " ",
        d.h(
          "button",
          {
            type: "button",
            on: {
              click: () => {
                d.selection.clear();
                d.selectionChanged();
              },
            },
          },
          "Clear",
        ),
      ),
      ...commands
        .map((each) => [
          d.command(each.label, each.command),
          each.note ? d.h("p", { class: "dim note" }, each.note) : null,
        ])
        .flat()
        .filter(Boolean),
    );
  };
})(globalThis.dsgspool);
