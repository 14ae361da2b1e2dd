// The page of the timeline: what it shows follows from the address (from, to, by, min), hands change the address.
// The rule: one picture for each frame at most; a newer report keeps the view, and a view of everything goes on to be one.
(function (d) {
  "use strict";

  const attempts = d.tables.attempts;
  const BY = { state: "State", batch: "Batch", name: "Name" };
  const state = { from: NaN, to: NaN, by: "state", min: 0, hot: -1 };
  let parts = null, model = null, colours = null, made = "", layout = null, ink = null, inkOf = "";

  const whole = () => (d.known(state.from) ? [state.from, state.to] : model.bounds);
  const params = () => ({ from: d.known(state.from) ? Math.round(state.from) : "", to: d.known(state.from) ? Math.round(state.to) : "", by: state.by === "state" ? "" : state.by, min: state.min || "" });
  const keep = d.settled(150, () => { if (d.route.name === "timeline") d.keep(params()); });

  d.view("timeline", {
    async draw(route, why) {
      build();
      parts.busy.hidden = attempts.version > 0;
      await d.load("attempts");
      parts.busy.hidden = true;
      const key = `${attempts.version} ${d.current.stamp}`;
      if (made !== key) { model = d.timelineModel(); made = key; colours = null; }
      parts.empty.hidden = Boolean(model);
      parts.body.hidden = !model;
      if (!model) return;
      if (why !== "news") read(route.params);
      refresh();
      if (why !== "news") d.keep(params());
    },
    leave() { tip(null); },
  });
  d.on("theme", () => { inkOf = ""; if (d.route && d.route.name === "timeline" && model) refresh(); });

  function read(given) {
    const [from, to] = [Number(given.get("from") || NaN), Number(given.get("to") || NaN)];
    const fits = to > from && to > model.bounds[0] && from < model.bounds[1];
    [state.from, state.to] = fits ? [Math.round(from), Math.round(to)] : [NaN, NaN];
    state.by = Object.hasOwn(BY, given.get("by")) ? given.get("by") : "state";
    const min = Number(given.get("min") || 0);
    state.min = min > 0 && min < 1e9 ? min : 0;
  }

  /** Everything anew: after other data, other colours, another size. */
  function refresh() {
    if (!colours || colours.by !== state.by) colours = { by: state.by, ...d.timelineColours(model, state.by) };
    if (inkOf !== state.by) { ink = d.timelineInk(colours.keys); inkOf = state.by; }
    layout = d.timelineLayout(model, Math.max(200, parts.frame.clientWidth), Math.max(380, innerHeight - 330));
    legend();
    paint();
  }

  const view = () => {
    const [from, to] = whole();
    return { from, to, min: state.min, colours, ink, layout, hot: state.hot, ratio: Math.min(3, devicePixelRatio || 1) };
  };

  function paint() {
    if (!model || !layout || parts.section.hidden) return;
    const now = view();
    d.paintTimeline(parts.canvas, model, now);
    overview(now);
    words(now);
  }
  const later = d.framed(paint);

  function set([from, to], all = false) {
    const [least, most] = model.bounds;
    const everything = all || (from <= least && to >= most);
    [state.from, state.to] = everything ? [NaN, NaN] : [from, to];
    tip(null);
    later();
    keep();
  }

  // -- beside the lanes -----------------------------------------------------------------------------------------

  function overview(now) {
    const canvas = parts.over, height = 46, { ratio } = now, width = layout.width;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const g = canvas.getContext("2d");
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    const [least, most] = model.bounds, room = width - layout.gutter;
    const columns = Math.max(2, Math.floor(room / 2)), values = [];
    for (let at = 0; at < columns; at += 1) values.push(d.levels(model, least + (at + 0.5) / columns * (most - least))[0]);
    const top = values.reduce((a, b) => Math.max(a, b), 1);
    g.fillStyle = ink.down;
    g.fillRect(layout.gutter, 0, room, height);
    g.fillStyle = d.colour("done") || "#2f6f9f";
    g.globalAlpha = 0.55;
    values.forEach((value, at) => g.fillRect(layout.gutter + at * room / columns, height - value / top * (height - 4), room / columns + 0.4, height));
    g.globalAlpha = 1;
    const x = (moment) => layout.gutter + (moment - least) / (most - least) * room;
    const [a, b] = [x(now.from), x(now.to)];
    g.fillStyle = ink.ground;
    g.globalAlpha = 0.62;
    g.fillRect(layout.gutter, 0, a - layout.gutter, height);
    g.fillRect(b, 0, width - b, height);
    g.globalAlpha = 1;
    g.strokeStyle = ink.text;
    g.strokeRect(Math.max(layout.gutter + 0.5, a), 0.5, Math.min(width - 1, Math.max(b, a + 2)) - Math.max(layout.gutter, a), height - 1);
    g.fillStyle = ink.dim;
    g.font = "12px system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
    g.textAlign = "right";
    g.textBaseline = "middle";
    g.fillText("all", layout.gutter - 8, height / 2);
  }

  const span = (from, to) => `${d.exact(from)} – ${d.exact(to).slice(0, 10) === d.exact(from).slice(0, 10) ? d.exact(to).slice(11) : d.exact(to)}`;

  const counted = d.settled(120, () => {
    if (!model) return;
    const [from, to] = whole();
    const counts = new Array(d.KINDS.length).fill(0);
    let all = 0, long = 0;
    for (const lane of model.lanes) {
      const [first, beyond] = d.visibleIn(lane, from, to);
      all += beyond - first;
      for (let at = first; at < beyond; at += 1) {
        if (lane.ends[at] - lane.starts[at] >= state.min * 1000) { long += 1; counts[model.kinds[lane.rows[at]]] += 1; }
      }
    }
    const names = { done: "ended well", running: "run", failed: "failed", lost: "lost", back: "given back" };
    const told = d.KINDS.map((kind, index) => (counts[index] ? `${d.count(counts[index])} ${names[kind]}` : "")).filter(Boolean).join(", ");
    const which = state.min ? `${d.count(long)} of ${d.many(all, "attempt")} longer than ${d.duration(state.min)}` : d.many(all, "attempt");
    d.say(parts.summary, `${which} on ${d.many(model.hosts.length, "node")}${told ? `: ${told}` : ""}.`);
    parts.canvas.setAttribute("aria-label", `Timeline of ${model.hosts.slice(0, 20).map((host) => d.plain(host.name)).join(", ")}${model.hosts.length > 20 ? " and others" : ""}, ${span(from, to)}: ${parts.summary.textContent}`);
    const long_ = state.min ? ` seconds>=${state.min}` : "";
    parts.tasks.href = d.link("tasks", "", { q: d.known(state.from) || state.min ? `started<=${Math.ceil(to)} -ended<${Math.floor(from)}${long_}` : "" });
  });

  function words(now) {
    d.say(parts.range, `${span(now.from, now.to)} (${d.duration((now.to - now.from) / 1000)})`);
    d.say(parts.minText, state.min ? d.duration(state.min) : "any");
    for (const button of parts.by.children) button.setAttribute("aria-pressed", String(button.dataset.by === state.by));
    counted();
  }

  function legend() {
    parts.legend.replaceChildren(...colours.legend.filter((each) => each.count).map((each) =>
      d.h("li", {}, d.h("i", { class: `key bar-${each.key}`, "aria-hidden": "true" }), d.visible(each.label), " ", d.h("b", {}, d.count(each.count)))),
    d.h("li", {}, d.h("i", { class: "key bar-down", "aria-hidden": "true" }), "no worker there"));
  }

  // -- what lies under the pointer ------------------------------------------------------------------------------

  const moment = (x) => {
    const [from, to] = whole();
    return from + (x - layout.gutter) / (layout.width - layout.gutter) * (to - from);
  };

  function hit(x, y) {
    if (x < layout.gutter) return null;
    const reach = Math.abs(moment(x + 4) - moment(x));
    for (let index = 0; index < layout.hosts.length; index += 1) {
      const place = layout.hosts[index];
      if (y < place.top || y > place.top + place.height) continue;
      const lane = model.hosts[index].lanes[Math.min(model.hosts[index].lanes.length - 1, Math.floor((y - place.top) / place.lane))];
      const at = d.hitIn(lane, moment(x), reach);
      return at < 0 ? null : { row: lane.rows[at], lane, at, host: index };
    }
    return null;
  }

  function tip(found, x = 0, y = 0, touch = false) {
    if (!parts) return;
    const row = found ? found.row : -1;
    parts.canvas.style.cursor = found ? "pointer" : "";
    if (row !== state.hot) { state.hot = row; later(); }
    parts.tip.hidden = !found;
    if (!found) return;
    if (parts.tip.dataset.row !== `${row} ${made}`) fillTip(row);
    parts.tip.classList.toggle("touched", touch);
    const box = parts.tip.getBoundingClientRect(), room = parts.frame.getBoundingClientRect();
    parts.tip.style.left = `${Math.max(0, Math.min(x + 14, room.width - box.width - 2))}px`;
    parts.tip.style.top = `${y + 18 + box.height > layout.height && y > box.height + 12 ? y - box.height - 12 : y + 18}px`;
  }

  function fillTip(row) {
    const outcome = attempts.word("outcome", row), kind = d.KINDS[model.kinds[row]];
    const memory = d.size(attempts.memory[row]), task = attempts.task[row];
    const wait = (attempts.started[row] - attempts.submitted[row]) / 1000;
    parts.tip.dataset.row = `${row} ${made}`;
    parts.tip.replaceChildren(...[
      d.h("b", {}, d.h("a", { href: d.link("task", task, { n: attempts.n[row] }) }, d.visible(task, true))),
      d.h("p", {}, d.h("i", { class: `key bar-${kind}` }), d.visible(outcome || "running"), attempts.n[row] > 1 ? `, attempt ${attempts.n[row]}` : "", ` on ${d.plain(attempts.word("host", row))}`),
      d.h("p", {}, `${d.exact(attempts.started[row])} – ${d.known(attempts.ended[row]) ? d.exact(attempts.ended[row]).slice(11) : "now"}`),
      d.h("p", {}, d.h("b", {}, d.duration(d.secondsOf(row))), d.known(wait) ? ` after ${d.duration(Math.max(0, wait))} of waiting` : "", memory ? `, ${memory}` : ""),
      attempts.reason[row] && kind !== "done" ? d.h("p", { class: "bad" }, d.visible(d.bare(attempts.reason[row]).slice(0, 200))) : null,
    ].filter(Boolean));
  }

  /** The keyboard goes from attempt to attempt in the lane of the last one. */
  function step(by) {
    let [lane, at] = state.walk || [null, 0];
    if (!lane || !model.lanes.includes(lane)) {
      lane = model.lanes.find((each) => d.visibleIn(each, ...whole()).reduce((a, b) => b - a) > 0);
      at = lane ? d.visibleIn(lane, ...whole())[0] - (by > 0 ? 1 : 0) : 0;
    }
    if (!lane) return;
    at += by;
    if (at < 0 || at >= lane.rows.length) {
      lane = model.lanes[(model.lanes.indexOf(lane) + (by > 0 ? 1 : -1) + model.lanes.length) % model.lanes.length];
      at = by > 0 ? 0 : lane.rows.length - 1;
    }
    if (at < 0) return;
    state.walk = [lane, at];
    const [from, to] = whole(), middle = (lane.starts[at] + lane.ends[at]) / 2;
    if (middle < from || middle > to) set(d.within([middle - (to - from) / 2, middle + (to - from) / 2], model.bounds));
    const host = model.hosts.findIndex((each) => each.lanes.includes(lane)), place = layout.hosts[host];
    const [a, b] = whole();
    tip({ row: lane.rows[at], lane, at, host }, layout.gutter + (middle - a) / (b - a) * (layout.width - layout.gutter), place.top + (model.hosts[host].lanes.indexOf(lane) + 0.5) * place.lane);
    d.announce(parts.tip.textContent);
  }

  const open = (found) => { location.hash = d.link("task", attempts.task[found.row], { n: attempts.n[found.row] }); };

  // -- the frame, once ------------------------------------------------------------------------------------------

  const TO_SLIDER = (seconds) => (seconds > 0 ? Math.round(Math.log10(seconds * 10) * 100) : 0); // 0.1 s ... 1e6 s
  const FROM_SLIDER = (value) => (value > 0 ? Number((10 ** (value / 100) / 10).toPrecision(2)) : 0);

  function build() {
    if (parts) return;
    const section = d.section("timeline");
    const button = (label, name, call) => d.h("button", { type: "button", "aria-label": name, title: name, on: { click: call } }, label);
    parts = {
      section, busy: d.h("p", { class: "dim busy" }, "Reading the attempts …"), empty: d.h("p", { class: "none", hidden: true }, "Nothing has run yet."),
      canvas: d.h("canvas", { class: "lanes", tabindex: "0", role: "img", "aria-label": "Timeline", "aria-keyshortcuts": "+ - 0 ArrowLeft ArrowRight n p Enter" }),
      over: d.h("canvas", { class: "overview", "aria-hidden": "true" }), tip: d.h("div", { class: "tooltip", hidden: true }), mark: d.h("div", { class: "mark", hidden: true }),
      range: d.h("small", { class: "range" }), summary: d.h("p", { class: "summary", role: "status" }), legend: d.h("ul", { class: "legend", "aria-label": "Colours" }),
      by: d.h("div", { class: "segments", role: "group", "aria-label": "Colour by" }, Object.entries(BY).map(([key, label]) =>
        d.h("button", { type: "button", "data-by": key, "aria-pressed": "false", on: { click: () => { state.by = key; refresh(); keep(); } } }, label))),
      min: d.h("input", { type: "range", id: "longer", min: "0", max: "700", step: "5", value: "0", on: { input: (event) => { state.min = FROM_SLIDER(Number(event.target.value)); later(); keep(); } } }),
      minText: d.h("output", { for: "longer" }, "any"), tasks: d.h("a", { href: "#/tasks" }, "These in the table"),
    };
    parts.frame = d.h("div", { class: "timeline-frame" }, parts.canvas, parts.over, parts.mark, parts.tip);
    let hand = null;
    parts.body = d.h("div", { class: "timeline-body" },
      d.h("div", { class: "tools" }, d.h("span", { class: "labelled" }, "Colour by ", parts.by), d.h("label", { class: "labelled", for: "longer" }, "Longer than ", parts.min, parts.minText),
        d.h("span", { class: "segments", role: "group", "aria-label": "Zoom" }, button("+", "Zoom in", () => hand.zoom(0.5)), button("−", "Zoom out", () => hand.zoom(2)), button("Whole", "Show everything", () => set(model.bounds, true)),
          button("Last hour", "Show the last hour", () => set(d.within([d.current.stamp * 1000 - 3_600_000, d.current.stamp * 1000], model.bounds))))),
      d.h("div", { class: "timeline-words" }, parts.summary, parts.tasks), parts.legend, parts.frame,
      d.h("p", { class: "dim keys" }, "Drag to move, Ctrl + wheel or pinch to zoom, Shift + drag to choose a part. Keys: + − 0 ← →, n and p go from attempt to attempt, Enter opens."));
    section.replaceChildren(d.h("h1", {}, "Timeline ", parts.range), parts.busy, parts.empty, parts.body);
    hand = d.timelineHand(parts.canvas, {
      view: whole, set, bounds: () => model.bounds, moment, hit, hover: tip, open, layout: () => layout, step, mark,
      enter: () => { if (state.hot >= 0) open({ row: state.hot }); else location.hash = parts.tasks.getAttribute("href"); },
    });
    d.timelineBrush(parts.over, { view: whole, set, bounds: () => model.bounds, layout: () => layout });
    new ResizeObserver(d.framed(() => { if (model && layout && !section.hidden && parts.frame.clientWidth !== layout.width) refresh(); })).observe(parts.frame);
    d.on("shown", () => { parts.min.value = String(TO_SLIDER(state.min)); });
  }

  function mark(a, b) {
    parts.mark.hidden = a === null;
    if (a === null) return;
    parts.mark.style.left = `${Math.min(a, b)}px`;
    parts.mark.style.width = `${Math.abs(a - b)}px`;
    parts.mark.style.height = `${layout.height}px`;
  }
})(globalThis.dsgspool);
