// The page of all tasks: search, order, columns, states, selection, and what is shown as a file.
// The rule: what is shown follows from the address alone; the search box stays the same element whatever happens.
(function (d) {
  "use strict";

  const STATES = ["running", "failed", "todo", "waiting", "hold", "done"];
  const LABELS = {
    running: "Running",
    failed: "Failed",
    todo: "To do",
    waiting: "Waiting",
    hold: "On hold",
    done: "Done",
  };
  const SETS = { basic: "Basic", times: "Times", resources: "Resources", all: "All" };
  const DEFAULT = "-when";
  const NARROW = matchMedia("(max-width: 640px)");

  const state = { q: "", sort: DEFAULT, cols: "basic", raw: false };
  let parts = null;
  let rows = new Uint32Array(0);
  let columns = [];
  const tops = new Map();

  d.stateLabel = (name) => LABELS[name] || name;
  d.stateKey = (name) => d.h("i", { class: `key ${name}`, "aria-hidden": "true" });

  d.view("tasks", {
    async draw(route, why) {
      read(route.params);
      build();
      if (parts.search.value !== state.q && document.activeElement !== parts.search) parts.search.value = state.q;
      else if (why !== "news") parts.search.value = state.q;
      if (!(await come(why === "news"))) return;
      filter(why === "news");
      if (why === "step" && tops.has(route.hash)) parts.grid.element.scrollTop = tops.get(route.hash);
      if (why !== "news") d.keep(params());
      d.loadLater("tasks", ...d.ATTEMPTS); // what another search or order asks for
    },
  });

  function read(given) {
    state.q = given.get("q") || "";
    if (given.get("state")) state.q = d.withKey(state.q, "state", given.get("state"));
    const sort = given.get("sort") || DEFAULT;
    state.sort = Object.hasOwn(d.column, sort.replace(/^-/, "")) ? sort : DEFAULT;
    state.cols = Object.hasOwn(SETS, given.get("cols")) ? given.get("cols") : "basic";
    state.raw = given.get("raw") === "1";
  }

  const params = () => ({
    q: state.q,
    sort: state.sort === DEFAULT ? "" : state.sort,
    cols: state.cols === "basic" ? "" : state.cols,
    raw: state.raw ? "1" : "",
  });

  /** Wait for the columns that are shown, sorted and searched by; false when somebody left meanwhile. */
  async function come(news = false) {
    const keys = [...d.columnSets[state.cols], state.sort.replace(/^-/, ""), ...d.query(state.q).terms.map((each) => each.key)];
    const wanted = d.partsOf(keys);
    if (!news && !d.has(...wanted)) d.say(parts.shown, "reading …");
    await d.load(...wanted);
    return d.route.name === "tasks";
  }

  const change = (facts) => {
    Object.assign(state, facts);
    return d.told(
      come().then((here) => {
        if (!here) return;
        filter(false);
        d.keep(params());
      }),
    );
  };

  // -- what is shown --------------------------------------------------------------------------------------------

  function filter(keep) {
    const tasks = d.tables.tasks;
    const wanted = d.valuesOf(state.q, "state").filter((each) => STATES.includes(each));
    const query = d.query(wanted.length ? d.withKey(state.q, "state", "") : state.q);
    const order = d.order(state.sort),
      counts = new Map(tasks.dictionaries.state.words.map((_, is) => [is, 0]));
    const states = new Set(wanted.map((each) => tasks.dictionaries.state.index.get(each)));
    const found = new Uint32Array(tasks.count);
    let size = 0;
    for (let at = 0; at < order.length; at += 1) {
      const row = order[at],
        is = tasks.state[row];
      if (query.test && !query.test(row, d.ask)) continue;
      counts.set(is, counts.get(is) + 1);
      if (wanted.length && !states.has(is)) continue;
      found[size] = row;
      size += 1;
    }
    const before = keep && parts.grid.active >= 0 ? tasks.task[rows[parts.grid.active]] : null;
    rows = found.subarray(0, size);
    layout();
    parts.grid.set(size, keep);
    if (keep && before !== null) parts.grid.active = rows.findIndex((row) => tasks.task[row] === before);
    if (!keep) parts.grid.element.scrollTop = 0;
    parts.grid.draw();
    tell(size, counts, wanted);
  }

  function tell(size, counts, wanted) {
    const tasks = d.tables.tasks;
    parts.shown.dataset.shown = String(size);
    d.say(
      parts.shown,
      size === tasks.count ? d.many(size, "task") : `${d.count(size)} of ${d.many(tasks.count, "task")}`,
    );
    parts.empty.hidden = size > 0;
    parts.grid.element.hidden = tasks.count === 0;
    d.say(parts.empty, tasks.count ? "No task matches." : "There are no tasks yet.");
    for (const chip of parts.chips.children) {
      const name = chip.dataset.state,
        number = counts.get(tasks.dictionaries.state.index.get(name)) || 0;
      chip.setAttribute("aria-pressed", String(wanted.includes(name)));
      d.say(chip.querySelector("b"), d.count(number));
      chip.classList.toggle("none", number === 0);
    }
    for (const button of parts.sets.children)
      button.setAttribute("aria-pressed", String(button.dataset.set === state.cols));
    parts.raw.setAttribute("aria-pressed", String(state.raw));
    parts.sort.value = state.sort.replace(/^-/, "").replace(/^ended$/, "when");
    parts.turn.setAttribute("aria-label", state.sort.startsWith("-") ? "Largest first" : "Smallest first");
    d.say(parts.turn, state.sort.startsWith("-") ? "↓" : "↑");
    d.drawSelection(parts.selection);
  }

  function layout() {
    columns = (d.columnSets[state.cols] || d.columnSets.basic).map((key) => d.column[key]);
    const card = NARROW.matches && state.cols === "basic";
    const element = parts.grid.element;
    element.classList.toggle("cards", card);
    element.style.setProperty(
      "--columns",
      `2.4em ${columns.map((each) => (state.raw && each.moment ? "12em" : each.width)).join(" ")}`,
    );
    parts.grid.rowHeight = card ? 68 : 34;
    element.setAttribute("aria-colcount", String(columns.length + 1));
    const heads = columns.map((column) => headOf(column));
    const all = d.h("input", {
      type: "checkbox",
      "aria-label": "Select all that are shown",
      on: { change: (event) => d.selectAll(rows, event.target.checked) },
    });
    parts.all = all;
    ticked();
    const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.sort : "";
    parts.grid.head.replaceChildren(
      d.h(
        "div",
        { role: "row", class: "grid-row", "aria-rowindex": "1" },
        d.h("div", { role: "columnheader", class: "pick" }, all),
        heads,
      ),
    );
    if (focused) parts.grid.head.querySelector(`[data-sort="${CSS.escape(focused)}"]`)?.focus();
  }

  /** The box on top says whether all that are shown are selected, whatever selected them. */
  function ticked() {
    const { task } = d.tables.tasks;
    parts.all.checked = rows.length > 0 && rows.every((row) => d.selection.has(task[row]));
  }

  function headOf(column) {
    const own = state.sort.replace(/^-/, "") === column.key,
      down = state.sort.startsWith("-");
    return d.h(
      "div",
      {
        role: "columnheader",
        class: column.number ? "n" : "",
        "aria-sort": own ? (down ? "descending" : "ascending") : null,
      },
      d.h(
        "button",
        { type: "button", "data-sort": column.key, on: { click: () => sortBy(column) } },
        column.label,
        own ? d.h("span", { "aria-hidden": "true" }, down ? " ↓" : " ↑") : null,
      ),
    );
  }

  function sortBy(column) {
    const own = state.sort.replace(/^-/, "") === column.key;
    const down = own ? !state.sort.startsWith("-") : Boolean(column.number);
    change({ sort: `${down ? "-" : ""}${column.key}` });
  }

  function toggle(index, from, only) {
    const [low, high] = [Math.min(index, from), Math.max(index, from)];
    const on = only || !d.selection.has(d.tables.tasks.task[rows[index]]);
    for (let at = low; at <= high; at += 1) d.select(d.tables.tasks.task[rows[at]], on);
    d.selectionChanged();
  }

  // -- the frame, once ------------------------------------------------------------------------------------------

  function build() {
    if (parts) return;
    const section = d.section("tasks");
    parts = toolbar();
    const frame = d.h("div", {
      role: "grid",
      class: "grid",
      tabindex: "0",
      "aria-label": "Tasks",
      "aria-multiselectable": "true",
    });
    section.replaceChildren(
      d.h("h1", {}, "Tasks ", parts.shown),
      parts.tools,
      parts.selection,
      parts.empty,
      frame,
    );
    parts.grid = new d.Grid(frame, {
      fill: (element, index) => d.fillTask(element, rows[index], columns, state.raw),
      toggle,
      open: (index) => {
        location.hash = d.link("task", d.tables.tasks.task[rows[index]]);
      },
    });
    let anchor = -1;
    frame.addEventListener("click", (event) => {
      const row = event.target.closest(".grid-body .grid-row");
      if (!row || event.target.closest("a")) return;
      const index = Number(row.dataset.index);
      if (event.target.closest(".pick")) {
        toggle(index, event.shiftKey && anchor >= 0 ? anchor : index, event.shiftKey && anchor >= 0);
        anchor = index;
      }
      parts.grid.activate(index, false);
    });
    frame.addEventListener("dblclick", (event) => {
      const row = event.target.closest(".grid-body .grid-row");
      if (row && !event.target.closest(".pick")) parts.grid.on.open(Number(row.dataset.index));
    });
    frame.addEventListener(
      "scroll",
      d.settled(100, () => {
        if (d.route.name === "tasks") tops.set(d.route.hash, frame.scrollTop);
      }),
    );
    NARROW.addEventListener("change", () => {
      if (d.route.name === "tasks") filter(true);
    });
    d.onSelection(() => {
      if (d.route.name === "tasks") {
        parts.grid.refill();
        ticked();
        d.drawSelection(parts.selection);
      }
    });
    d.startTaskPrint(
      section,
      () => rows,
      () => columns,
      () => state.raw,
    );
  }

  function toolbar() {
    const made = d.tasksToolbar({ STATES, LABELS, SETS }, state, change, () => come().then(() => ({ rows, columns })));
    made.empty = d.h("p", { class: "none", hidden: true });
    made.selection = d.h("div", { class: "selection", role: "region", "aria-label": "Selected tasks", hidden: true });
    made.shown = d.h("small", { "data-shown": "", role: "status" });
    return made;
  }
})(globalThis.dsgspool);
