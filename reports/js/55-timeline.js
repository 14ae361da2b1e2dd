// The page of the timeline: what it shows follows from the address (from, to, by, min), hands change the address.
// The rule: one picture for each frame at most; a newer report keeps the view, and a view of everything goes on to be
// one.
(function (d) {
  "use strict";

  const attempts = d.tables.attempts;
  const state = { from: NaN, to: NaN, by: "state", min: 0, hot: -1 };
  const t = {
    state,
    BY: { state: "State", batch: "Batch", name: "Name" },
    parts: null,
    model: null,
    colours: null,
    made: "",
    layout: null,
    ink: null,
    inkOf: "",
  };
  d.timeline = t;

  const whole = () => (d.known(state.from) ? [state.from, state.to] : t.model.bounds);
  const params = () => ({
    from: d.known(state.from) ? Math.round(state.from) : "",
    to: d.known(state.from) ? Math.round(state.to) : "",
    by: state.by === "state" ? "" : state.by,
    min: state.min || "",
  });
  const keep = d.settled(150, () => {
    if (d.route.name === "timeline") d.keep(params());
  });

  d.view("timeline", {
    async draw(route, why) {
      t.build();
      t.parts.busy.hidden = d.has("runs");
      await d.load(...parts(why === "news" ? state.by : route.params.get("by")));
      if (d.route.name !== "timeline") return;
      t.parts.busy.hidden = true;
      const key = `${attempts.version} ${d.current.stamp}`;
      if (t.made !== key) {
        t.model = d.timelineModel();
        t.made = key;
        t.colours = null;
      }
      t.parts.empty.hidden = Boolean(t.model);
      t.parts.body.hidden = !t.model;
      if (!t.model) return;
      if (why !== "news") read(route.params);
      refresh();
      if (why !== "news") d.keep(params());
      d.loadLater(...d.ATTEMPTS); // for the words about an attempt
    },
    leave() {
      t.tip(null);
    },
  });
  d.on("theme", () => {
    t.inkOf = "";
    if (d.route && d.route.name === "timeline" && t.model) refresh();
  });

  let wanted = "";

  /** What colours by batch or name need besides. */
  const parts = (by) => (by === "batch" || by === "name" ? ["runs", "names"] : ["runs"]);

  /** Colours by something else. */
  function colourBy(by) {
    wanted = by;
    if (!d.has(...parts(by))) d.say(t.parts.range, "reading the names …");
    return d.told(
      d.load(...parts(by)).then(() => {
        if (wanted !== by || d.route.name !== "timeline") return;
        state.by = by;
        refresh();
        keep();
      }),
    );
  }

  /** Do something once these parts are there, unless the page or its rows are others by then. */
  t.with = (needed, call) => {
    const { made } = t;
    return d.told(d.load(...needed).then(() => (d.route.name === "timeline" && t.made === made ? call() : undefined)));
  };

  function read(given) {
    const [from, to] = [Number(given.get("from") || NaN), Number(given.get("to") || NaN)];
    const fits = to > from && to > t.model.bounds[0] && from < t.model.bounds[1];
    [state.from, state.to] = fits ? [Math.round(from), Math.round(to)] : [NaN, NaN];
    state.by = Object.hasOwn(t.BY, given.get("by")) ? given.get("by") : "state";
    const min = Number(given.get("min") || 0);
    state.min = min > 0 && min < 1e9 ? min : 0;
  }

  /** Everything anew: after other data, other colours, another size. */
  function refresh() {
    if (!t.colours || t.colours.by !== state.by) t.colours = { by: state.by, ...d.timelineColours(t.model, state.by) };
    if (t.inkOf !== state.by) {
      t.ink = d.timelineInk(t.colours.keys);
      t.inkOf = state.by;
    }
    t.layout = d.timelineLayout(t.model, Math.max(200, t.parts.frame.clientWidth), Math.max(380, innerHeight - 330));
    legend();
    paint();
  }

  const view = () => {
    const [from, to] = whole();
    return {
      from,
      to,
      min: state.min,
      colours: t.colours,
      ink: t.ink,
      layout: t.layout,
      hot: state.hot,
      ratio: Math.min(3, devicePixelRatio || 1),
    };
  };

  function paint() {
    if (!t.model || !t.layout || t.parts.section.hidden) return;
    const now = view();
    d.paintTimeline(t.parts.canvas, t.model, now);
    d.paintOverview(t.parts.over, t.model, now);
    words(now);
  }
  const later = d.framed(paint);

  function set([from, to], all = false) {
    const [least, most] = t.model.bounds;
    const everything = all || (from <= least && to >= most);
    [state.from, state.to] = everything ? [NaN, NaN] : [from, to];
    t.tip(null);
    later();
    keep();
  }

  // -- beside the lanes -----------------------------------------------------------------------------------------

  const span = (from, to) =>
    `${d.exact(from)} – ${d.exact(to).slice(0, 10) === d.exact(from).slice(0, 10) ? d.exact(to).slice(11) : d.exact(to)}`;

  const counted = d.settled(120, () => {
    if (!t.model) return;
    const [from, to] = whole();
    const counts = new Array(d.KINDS.length).fill(0);
    let all = 0,
      long = 0;
    for (const lane of t.model.lanes) {
      const [first, beyond] = d.visibleIn(lane, from, to);
      all += beyond - first;
      for (let at = first; at < beyond; at += 1) {
        if (lane.ends[at] - lane.starts[at] >= state.min * 1000) {
          long += 1;
          counts[t.model.kinds[lane.rows[at]]] += 1;
        }
      }
    }
    const names = { done: "ended well", running: "run", silent: "silent", failed: "failed", lost: "lost", back: "given back" };
    const told = d.KINDS.map((kind, index) => (counts[index] ? `${d.count(counts[index])} ${names[kind]}` : ""))
      .filter(Boolean)
      .join(", ");
    const which = state.min
      ? `${d.count(long)} of ${d.many(all, "attempt")} longer than ${d.duration(state.min)}`
      : d.many(all, "attempt");
    d.say(t.parts.summary, `${which} on ${d.many(t.model.hosts.length, "node")}${told ? `: ${told}` : ""}.`);
    t.parts.canvas.setAttribute(
      "aria-label",
      `Timeline of ${t.model.hosts
        .slice(0, 20)
        .map((host) => d.plain(host.name))
        .join(
          ", ",
        )}${t.model.hosts.length > 20 ? " and others" : ""}, ${span(from, to)}: ${t.parts.summary.textContent}`,
    );
    const long_ = state.min ? ` seconds>=${state.min}` : "";
    t.parts.tasks.href = d.link("tasks", "", {
      q: d.known(state.from) || state.min ? `started<=${Math.ceil(to)} -ended<${Math.floor(from)}${long_}` : "",
    });
  });

  function words(now) {
    d.say(t.parts.range, `${span(now.from, now.to)} (${d.duration((now.to - now.from) / 1000)})`);
    d.say(t.parts.minText, state.min ? d.duration(state.min) : "any");
    for (const button of t.parts.by.children)
      button.setAttribute("aria-pressed", String(button.dataset.by === state.by));
    counted();
  }

  function legend() {
    t.parts.legend.replaceChildren(
      ...t.colours.legend
        .filter((each) => each.count)
        .map((each) =>
          d.h(
            "li",
            {},
            d.h("i", { class: `key bar-${each.key}`, "aria-hidden": "true" }),
            d.visible(each.label),
            " ",
            d.h("b", {}, d.count(each.count)),
          ),
        ),
      d.h("li", {}, d.h("i", { class: "key bar-down", "aria-hidden": "true" }), "no worker there"),
    );
  }

  t.open = (found) =>
    t.with(["names"], () => {
      location.hash = d.link("task", attempts.task[found.row], { n: attempts.number[found.row] });
    });
  Object.assign(t, { whole, set, later, keep, refresh, colourBy });
})(globalThis.dsgspool);
