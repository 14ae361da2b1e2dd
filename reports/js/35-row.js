// One row of the table of tasks.
// The rule: elements are used again for other tasks, so everything in them is set each time; text only.
(function (d) {
  "use strict";

  /** Make an element of the pool the row of a task. */
  d.fillTask = (element, row, columns, raw) => {
    const task = d.tables.tasks.task[row],
      is = d.stateOf(row);
    element.dataset.task = task;
    element.className = `grid-row is-${is}`;
    const picked = d.selection.has(task);
    element.setAttribute("aria-selected", String(picked));
    if (element.childNodes.length !== columns.length + 1 || element.ownColumns !== columns) {
      element.replaceChildren(
        pick(),
        ...columns.map((column) =>
          d.h("div", { role: "gridcell", class: `${column.number ? "n" : ""} c-${column.key}` }),
        ),
      );
      element.ownColumns = columns;
    }
    const box = element.firstChild.firstChild;
    box.checked = picked;
    box.setAttribute("aria-label", `Select ${d.plain(task)}`);
    columns.forEach((column, at) => fillCell(element.childNodes[at + 1], column.key, row, task, is, raw));
  };

  function pick() {
    return d.h("div", { role: "gridcell", class: "pick" }, d.h("input", { type: "checkbox", tabindex: "-1" }));
  }

  function fillCell(cell, key, row, task, is, raw) {
    if (key === "task") {
      cell.replaceChildren(d.h("a", { href: d.link("task", task), tabindex: "-1" }, d.visible(task)));
    } else if (key === "state") {
      const tag = d.tables.tasks.word("tag", row),
        progress = d.tables.tasks.progress[row];
      cell.replaceChildren(
        d.stateKey(is),
        d.h("span", {}, d.stateLabel(is)),
        is === "running" && d.known(progress)
          ? meter(progress)
          : d.h("span", { class: "dim" }, is === "failed" || is === "hold" ? ` ${d.plain(tag)}` : ""),
      );
    } else {
      const text = d.plain(d.cell(key, row, raw));
      cell.textContent = text;
      if (text.length > 14 && !d.column[key].number) cell.title = text;
      else cell.removeAttribute("title");
    }
  }

  function meter(share) {
    const element = d.h(
      "span",
      { class: "meter", role: "img", "aria-label": `${Math.round(share * 100)} % done` },
      d.h("span", { class: "meter-bar" }),
      d.h("span", {}, `${Math.round(share * 100)} %`),
    );
    element.firstChild.style.setProperty("--share", String(Math.max(0, Math.min(1, share))));
    return element;
  }
})(globalThis.dsgspool);
