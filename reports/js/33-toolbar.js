// What stands above the table of tasks: search with its help, states, columns, units, files to save.
// The rule: everything is a button or a field with a name; the search waits for a pause in the typing.
(function (d) {
  "use strict";

  const HELP = [
    ["align/00", "tasks with this in name, node, reason, error, tags or log line"],
    ["state:failed  batch:sweep-a  host:n1  tag:long", "words of one kind; commas are or, * is anything"],
    ['batch:"a, b"', "in quotes a comma, a * and a space are themselves; two quotes are one"],
    ['reason:timeout  error:"No space"  worker:n1-', "parts of a text"],
    ["seconds>10m  memory>1G  attempts>1  started>14:00", "numbers with units, moments"],
    ["-host:n4", "all but these"],
  ];

  d.tasksToolbar = (names, state, change, shown) => {
    const made = {};
    const later = d.settled(120, () => change({ q: made.search.value }));
    made.search = d.h("input", {
      type: "search",
      id: "search",
      placeholder: "Search: text, state:failed, seconds>10m …",
      "aria-label": "Search the tasks",
      autocomplete: "off",
      spellcheck: "false",
      autocapitalize: "off",
      on: {
        input: later,
        keydown: (event) => {
          if (event.key === "Enter") {
            later.cancel();
            change({ q: made.search.value });
          }
        },
      },
    });
    made.chips = d.h(
      "div",
      { class: "chips", role: "group", "aria-label": "States" },
      names.STATES.map((each) =>
        d.h(
          "button",
          {
            type: "button",
            class: `chip ${each}`,
            "data-state": each,
            "aria-pressed": "false",
            on: { click: () => chip(each) },
          },
          d.stateKey(each),
          d.h("span", {}, names.LABELS[each]),
          " ",
          d.h("b", {}, "0"),
        ),
      ),
    );
    made.sets = d.h(
      "div",
      { class: "segments", role: "group", "aria-label": "Columns" },
      Object.entries(names.SETS).map(([key, label]) =>
        d.h(
          "button",
          { type: "button", "data-set": key, "aria-pressed": "false", on: { click: () => change({ cols: key }) } },
          label,
        ),
      ),
    );
    made.raw = d.h(
      "button",
      {
        type: "button",
        "aria-pressed": "false",
        title: "Seconds and bytes as numbers",
        on: { click: () => change({ raw: !state.raw }) },
      },
      "Raw numbers",
    );
    made.sort = d.h(
      "select",
      { "aria-label": "Order by", on: { change: (event) => change({ sort: event.target.value }) } },
      d.columns.filter((each) => each.key !== "ended").map((each) => d.h("option", { value: each.key }, each.label)),
    );
    made.turn = d.h(
      "button",
      {
        type: "button",
        on: { click: () => change({ sort: state.sort.startsWith("-") ? state.sort.slice(1) : `-${state.sort}` }) },
      },
      "↓",
    );
    const save = (kind) =>
      d.h(
        "button",
        { type: "button", title: `Save what is shown as ${kind}`, on: { click: () => d.told(shown().then((found) => d.saveTasks(kind, found))) } },
        kind,
      );
    made.tools = d.h(
      "div",
      { class: "tools" },
      d.h("div", { class: "tools-search" }, made.search, help()),
      made.chips,
      d.h(
        "div",
        { class: "tools-view" },
        made.sets,
        d.h("span", { class: "tools-sort" }, made.sort, made.turn),
        made.raw,
        d.h("span", { class: "tools-save" }, save("CSV"), save("JSON")),
      ),
    );

    function chip(name) {
      const now = d.valuesOf(state.q, "state");
      const next = now.includes(name) ? now.filter((each) => each !== name) : [...now, name];
      const q = d.withKey(state.q, "state", next.join(","));
      made.search.value = q;
      change({ q });
    }

    return made;
  };

  function help() {
    return d.h(
      "details",
      { class: "help" },
      d.h("summary", {}, "How to search"),
      d.h(
        "dl",
        {},
        HELP.map(([example, words]) => [d.h("dt", {}, d.h("code", {}, example)), d.h("dd", {}, words)]),
        d.h("dt", {}, "Keys"),
        d.h("dd", {}, d.queryKeys.join(", ")),
      ),
    );
  }

  /** What is shown, as a file. */
  d.saveTasks = (kind, { rows, columns }) => {
    const used = [...new Set([...columns.map((each) => each.key), "task", "state"])]
      .filter((key) => key !== "when")
      .map((key) => d.column[key]);
    used.sort((a, b) => d.columns.indexOf(a) - d.columns.indexOf(b));
    if (columns.some((each) => each.key === "when")) used.push(d.column.started, d.column.ended);
    const all = [...new Set(used)];
    const value = (column, row) => {
      const found = column.value(row);
      return column.moment ? d.iso(found) : found;
    };
    const names = all.map((each) => each.key);
    if (kind === "CSV") {
      const lines = [names, ...Array.from(rows, (row) => all.map((each) => value(each, row)))];
      save("tasks.csv", "text/csv", d.csv(lines));
    } else {
      const list = Array.from(rows, (row) =>
        JSON.stringify(
          Object.fromEntries(
            all.map((each) => {
              const found = value(each, row);
              return [each.key, (typeof found === "number" && !Number.isFinite(found)) || found === "" ? null : found];
            }),
          ),
        ),
      );
      save("tasks.json", "application/json", `[\n${list.join(",\n")}\n]\n`);
    }
  };

  function save(name, type, text) {
    const address = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
    const link = d.h("a", { href: address, download: name, hidden: true });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
    d.announce(`${name} was saved`);
  }

  const MOST = 2000; // rows on paper

  /** On paper the rows are a plain table, as many as fit into some dozens of sheets. */
  d.startTaskPrint = (section, rowsOf, columnsOf, rawOf) => {
    let sheet = null;
    addEventListener("beforeprint", () => {
      if (d.route.name !== "tasks" || sheet) return;
      const rows = rowsOf(),
        columns = columnsOf();
      const cells = (row) =>
        columns.map((each) => d.h("td", { class: each.number ? "n" : "" }, d.plain(d.cell(each.key, row, rawOf()))));
      sheet = d.h(
        "div",
        { class: "on-paper" },
        d.h(
          "table",
          {},
          d.h(
            "thead",
            {},
            d.h(
              "tr",
              {},
              columns.map((each) => d.h("th", { class: each.number ? "n" : "" }, each.label)),
            ),
          ),
          d.h(
            "tbody",
            {},
            Array.from(rows.subarray(0, MOST), (row) => d.h("tr", {}, cells(row))),
          ),
        ),
        rows.length > MOST ? d.h("p", {}, `and ${d.count(rows.length - MOST)} more: save them as CSV`) : null,
      );
      section.append(sheet);
    });
    addEventListener("afterprint", () => {
      if (sheet) sheet.remove();
      sheet = null;
    });
  };
})(globalThis.dsgspool);
