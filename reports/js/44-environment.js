// The environment of an attempt: what differs from the attempt before comes first, then the rest.
// The rule: pure but for elements; only variables that the task had beside the worker's own are known, so a difference
// is one between two tries of the same task.
(function (d) {
  "use strict";

  /**
   * {changed: [[name, before, now]...], same: [[name, value]...]}: undefined = was or is not set; `before` null = there is
   * no attempt to compare with, and nothing has changed.
   */
  d.environmentChanges = (now, before) => {
    const has = (variables, name) => (Object.hasOwn(variables, name) ? variables[name] : undefined);
    const own = now || {},
      earlier = before || own;
    const names = [...new Set([...Object.keys(own), ...Object.keys(earlier)])].sort(d.natural);
    const pairs = names.map((name) => [name, has(earlier, name), has(own, name)]);
    return {
      changed: pairs.filter(([, old, value]) => old !== value),
      same: pairs.filter(([, old, value]) => old === value).map(([name, , value]) => [name, value]),
    };
  };

  const code = (text) => d.h("code", {}, d.visible(text));
  const value = (text) => (text === undefined ? d.h("span", { class: "dim" }, "not set") : code(text));

  function table(label, rows) {
    if (!rows.length) return null;
    return d.h(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
      d.h("table", { class: "environment" }, d.h("tbody", {}, rows)),
    );
  }

  const row = (name, ...cells) =>
    d.h(
      "tr",
      {},
      d.h("th", { scope: "row" }, code(name)),
      cells.map((each) => d.h("td", {}, each)),
    );

  /** before: the entry of the attempt before, null when it is not known. */
  d.environmentPane = (variables, before) => {
    const { changed, same } = d.environmentChanges(variables, before && before.environment);
    const size = Object.keys(variables || {}).length;
    if (!size && !changed.length) return null;
    const differs = before
      ? changed.length
        ? `, ${changed.length} not as in attempt ${before.n}`
        : `, as in attempt ${before.n}`
      : "";
    return d.h(
      "details",
      { class: "text", "data-key": "environment", open: changed.length > 0 || size <= 12 },
      d.h("summary", {}, `Environment: ${d.many(size, "variable")} beside the worker's own${differs}`),
      table(
        "What differs from the attempt before",
        changed.map(([name, old, now]) =>
          row(name, [value(old), d.h("span", { class: "dim" }, " → "), d.h("b", {}, value(now))]),
        ),
      ),
      table(
        changed.length ? "Environment that is the same" : "Environment",
        same.map(([name, now]) => row(name, value(now))),
      ),
    );
  };
})(globalThis.dsgspool);
