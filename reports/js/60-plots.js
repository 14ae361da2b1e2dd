// Plots inside sections: each `figure.plot[data-series]` is drawn with uPlot when it comes into sight.
// The rule: what the figure says in words stays for those who do not see it; colours and fonts come from the style sheet, so light,
// dark and paper follow by themselves; a figure whose numbers are the same is left alone.
(function (d) {
  "use strict";

  const drawn = new Map(); // figure -> {chart, facts, width, destroy}
  const FONT = "12px system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
  const HEIGHT = 190;

  const keyColour = (key, index) => d.colour(Object.hasOwn({ lost: 1 }, key || "") ? "failed" : key || "") || d.colour(`group-${index % 7 + 1}`) || "#2f6f9f";
  const soft = (colour, share) => `color-mix(in srgb, ${colour} ${share}%, transparent)`;

  const fitting = (u, values) => 16 + 7 * Math.max(2, ...(values || []).map((each) => String(each || "").length));

  function axis(facts) {
    return {
      stroke: d.colour("dim") || "#666", font: FONT, labelFont: FONT, labelSize: 18, gap: 4, size: fitting,
      grid: { stroke: soft(d.colour("line") || "#ddd", 80), width: 1 }, ticks: { stroke: d.colour("line") || "#ddd", width: 1, size: 4 }, ...facts,
    };
  }

  const moments = (u, splits) => {
    const step = splits.length > 1 ? splits[1] - splits[0] : 1;
    return splits.map((each, index) => {
      const date = new Date(each * 1000), two = (number) => String(number).padStart(2, "0");
      const day = `${date.getDate()} ${date.toLocaleString("en", { month: "short" })}`;
      if (step >= 86400 || (date.getHours() === 0 && date.getMinutes() === 0)) return day;
      return `${two(date.getHours())}:${two(date.getMinutes())}${step < 60 ? `:${two(date.getSeconds())}` : ""}${index === 0 && step >= 43200 ? `\n${day}` : ""}`;
    });
  };
  const whole = (u, splits) => splits.map((each) => (Number.isInteger(each) ? d.count(each) : ""));
  const inUnit = (unit) => (value) => (!d.known(value) ? "–" : unit === "s" ? d.duration(value) : unit === "B" ? d.size(value) : unit === "%" ? `${Math.round(value * 100)} %` : Number(value.toPrecision(3)).toLocaleString("en"));
  const shortUnit = (unit) => (value) => (!d.known(value) ? "" : unit === "s" ? d.short(value) : unit === "B" ? d.size(value).replace(".0 ", " ") : unit === "%" ? `${Math.round(value * 100)} %` : Number(value.toPrecision(3)).toLocaleString("en"));

  // -- kinds ----------------------------------------------------------------------------------------------------

  const KINDS = {
    lines(series) {
      const lines = series.lines || [], unit = series.percent ? "%" : series.unit || "";
      const columns = lines.map((line) => line.y);
      let x = series.x, shown = columns;
      if (series.step && x.length) { // values of intervals: the last one has an end too
        x = [...x, x[x.length - 1] + series.step];
        shown = columns.map((each) => [...each, each[each.length - 1]]);
      }
      if (series.stacked) shown = shown.map((_, at) => shown[0].map((__, point) => shown.slice(0, at + 1).reduce((sum, each) => sum + (each[point] || 0), 0)));
      const order = series.stacked ? lines.map((_, at) => lines.length - 1 - at) : lines.map((_, at) => at);
      const stepped = series.step || series.ylabel === "tasks";
      const colours = lines.map((line, at) => keyColour(line.state, at));
      return {
        data: [x, ...order.map((at) => shown[at])],
        legend: lines.map((line, at) => [line.label, colours[at]]),
        options: {
          scales: { x: { time: true }, y: { range: (u, low, high) => [0, series.percent ? Math.max(1, high) : Math.max(1, high) * 1.06] } },
          series: [{}, ...order.map((at) => ({
            label: lines[at].label, stroke: colours[at], width: series.stacked ? 0 : 1.75, points: { show: false }, spanGaps: false,
            fill: series.stacked ? colours[at] : lines.length === 1 ? soft(colours[at], 22) : undefined, paths: stepped ? uPlot.paths.stepped({ align: 1 }) : undefined,
          }))],
          axes: [axis({ values: moments, size: 28, space: 70 }), axis({ values: unit ? (u, splits) => splits.map(shortUnit(unit)) : whole, label: series.ylabel || null, labelGap: 0 })],
        },
        tell: (at) => [d.exact(x[at] * 1000) + (series.step ? `, ${d.short(series.step)}` : ""), ...lines.map((line, index) => [line.label, inUnit(unit)(columns[index][Math.min(at, columns[index].length - 1)]), colours[index]])],
      };
    },

    bars(series) {
      const edges = series.edges, groups = series.groups || [], bins = edges.length - 1, unit = series.unit || "";
      const colours = groups.map((group, at) => (groups.length === 1 ? keyColour("done", 0) : keyColour(`group-${at % 7 + 1}`, at)));
      const one = groups.length === 1;
      const x = Array.from({ length: bins + 1 }, (_, at) => at);
      return {
        data: [x, ...groups.map((group) => [...group.y, one ? null : group.y[bins - 1]])],
        legend: one ? [] : groups.map((group, at) => [group.label || "outside of a batch", colours[at]]),
        options: {
          scales: { x: { time: false, range: [0, bins] }, y: { range: (u, low, high) => [0, Math.max(1, high) * 1.06] } },
          series: [{}, ...groups.map((group, at) => ({
            label: group.label, stroke: colours[at], width: one ? 0 : 1.75, fill: soft(colours[at], one ? 85 : 14), points: { show: false },
            paths: one ? uPlot.paths.bars({ size: [1, Infinity], align: 1, gap: 1 }) : uPlot.paths.stepped({ align: 1 }),
          }))],
          axes: [axis({ splits: (u) => apart(d.logSplits(edges, unit).map(([place]) => place), bins, u.width - 60), values: (u, splits) => splits.map((each) => shortUnit(unit)(d.logValue(edges, unit, each))), size: 28, space: 30, grid: { show: false } }), axis({ values: whole, label: "attempts", labelGap: 0 })],
        },
        tell: (at) => [`${inUnit(unit)(edges[Math.min(at, bins - 1)])} – ${inUnit(unit)(edges[Math.min(at, bins - 1) + 1])}`, ...groups.map((group, index) => [group.label || "attempts", d.count(group.y[Math.min(at, bins - 1)]), colours[index]])],
      };
    },

    scatter(series) {
      const points = [...series.points].filter(([x, y]) => x > 0 && y > 0).sort((a, b) => a[0] - b[0]), unit = series.unit || "";
      const values = points.flatMap(([x, y]) => [x, y]);
      const low = Math.min(...values), high = Math.max(...values), log = high > low * 30;
      const bounds = log ? [low / 1.5, high * 1.5] : [0, high * 1.08];
      const colour = keyColour("done", 0);
      const scale = { distr: log ? 3 : 1, range: () => bounds };
      return {
        data: [points.map(([x]) => x), points.map(([, y]) => y)], legend: [], points,
        options: {
          height: 280, scales: { x: { time: false, ...scale }, y: scale },
          series: [{}, { stroke: colour, width: 0, paths: () => null, points: { show: true, size: 6, fill: soft(colour, 45), stroke: colour, width: 0.5 } }],
          axes: [axis({ values: (u, splits) => splits.map((each) => (each === null ? "" : shortUnit(unit)(each))), label: series.xlabel, size: 28, space: 70 }), axis({ values: (u, splits) => splits.map((each) => (each === null ? "" : shortUnit(unit)(each))), label: series.ylabel })],
          hooks: series.diagonal ? { drawAxes: [(u) => diagonal(u, bounds)] } : {},
        },
      };
    },
  };

  /** Marks that leave room for their words. */
  function apart(places, whole, width) {
    let last = -Infinity;
    return places.filter((place) => {
      if ((place - last) / whole * width < 50) return false;
      last = place;
      return true;
    });
  }

  function diagonal(u, [low, high]) {
    const from = Math.max(low, high / 1e6) || high / 1e6;
    u.ctx.save();
    u.ctx.strokeStyle = d.colour("dim");
    u.ctx.setLineDash([4, 4]);
    u.ctx.beginPath();
    u.ctx.moveTo(u.valToPos(low || 0, "x", true), u.valToPos(low || 0, "y", true));
    u.ctx.lineTo(u.valToPos(high, "x", true), u.valToPos(high, "y", true));
    u.ctx.stroke();
    u.ctx.restore();
    return from;
  }

  /** Round values inside edges that grow by a factor: [[place in bins, value]...]. */
  d.logSplits = (edges, unit) => {
    const round = unit === "s" ? [0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 36_000, 86_400, 864_000] : [1, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12];
    const fine = round.flatMap((value, at) => (at + 1 < round.length && round[at + 1] / value > 4 ? [value, value * (unit === "s" && value === 60 ? 5 : 3)] : [value]));
    const place = (value) => {
      const at = Math.max(0, Math.min(edges.length - 2, d.lower(edges, value) - 1));
      return at + (value - edges[at]) / (edges[at + 1] - edges[at]);
    };
    const inside = (values) => values.filter((value) => value >= edges[0] && value <= edges[edges.length - 1]).map((value) => [place(value), value]);
    const found = inside(round);
    return found.length >= 3 ? found : inside(fine).length ? inside(fine) : [[0, edges[0]], [edges.length - 1, edges[edges.length - 1]]];
  };
  d.logValue = (edges, unit, place) => (d.logSplits(edges, unit).find(([each]) => Math.abs(each - place) < 1e-9) || [0, NaN])[1];

  // -- one chart ------------------------------------------------------------------------------------------------

  /** Draw into an element; {destroy, resize}. */
  d.chart = (place, series, kind) => {
    const made = KINDS[kind](series);
    const tip = d.h("div", { class: "plot-tip", hidden: true });
    const box = d.h("div", { class: "plot-box" });
    const legend = made.legend.length > 1 || series.named ? d.h("ul", { class: "plot-legend" }, made.legend.map(([label, colour]) => {
      const key = d.h("i", { class: "key" });
      key.style.background = colour;
      return d.h("li", {}, key, d.visible(label));
    })) : null;
    place.replaceChildren(...[legend, box, tip].filter(Boolean));
    const options = { width: Math.max(160, place.clientWidth), height: HEIGHT, legend: { show: false }, padding: [8, 26, 0, 0], cursor: { drag: { x: false, y: false }, y: kind === "scatter", points: { size: 7 } }, ...made.options };
    options.hooks = { ...options.hooks, setCursor: [(u) => (kind === "scatter" ? tellPoint(u, tip, made.points, series) : tellAt(u, tip, made))] };
    const chart = new uPlot(options, made.data, box);
    chart.over.addEventListener("mouseleave", () => { tip.hidden = true; });
    if (kind === "scatter") chart.over.addEventListener("click", () => { if (tip.dataset.task && !tip.hidden) location.hash = d.link("task", tip.dataset.task); });
    return { chart, destroy: () => chart.destroy(), resize: () => chart.setSize({ width: Math.max(160, place.clientWidth), height: options.height }) };
  };

  function put(u, tip, nodes) {
    tip.replaceChildren(...nodes);
    tip.hidden = false;
    const { left, top } = u.cursor, width = tip.offsetWidth, room = u.width;
    const x = left + u.bbox.left / devicePixelRatio;
    tip.style.left = `${Math.max(0, x + width + 16 > room ? x - width - 12 : x + 14)}px`;
    tip.style.top = `${Math.max(0, top - 10) + tip.parentElement.querySelector(".plot-box").offsetTop}px`;
  }

  function tellAt(u, tip, made) {
    if (u.cursor.idx === null || u.cursor.idx === undefined || u.cursor.left < 0) { tip.hidden = true; return; }
    const at = u.axes[0].splits || made.legend ? u.cursor.idx : 0;
    const exact = u.scales.x.time ? at : Math.min(Math.floor(u.posToVal(u.cursor.left, "x")), u.data[0].length - 2);
    const [title, ...rows] = made.tell(Math.max(0, exact));
    put(u, tip, [d.h("b", {}, title), ...rows.map(([label, value, colour]) => {
      const key = d.h("i", { class: "key" });
      key.style.background = colour;
      return d.h("p", {}, key, d.visible(label), " ", d.h("b", {}, value));
    })]);
  }

  function tellPoint(u, tip, points, series) {
    let best = -1, least = 20;
    if (u.cursor.left >= 0) {
      points.forEach(([x, y], at) => {
        const apart = Math.hypot(u.valToPos(x, "x") - u.cursor.left, u.valToPos(y, "y") - u.cursor.top);
        if (apart < least) { least = apart; best = at; }
      });
    }
    u.over.style.cursor = best < 0 ? "" : "pointer";
    if (best < 0) { tip.hidden = true; return; }
    const [x, y, task] = points[best], unit = inUnit(series.unit || "");
    tip.dataset.task = task;
    put(u, tip, [d.h("b", {}, d.visible(task)), d.h("p", {}, `${series.xlabel}: ${unit(x)}`), d.h("p", {}, `${series.ylabel}: ${unit(y)}`)]);
  }

  // -- all figures ----------------------------------------------------------------------------------------------

  function draw(figure, force = false) {
    const series = (d.current.series || {})[figure.dataset.series];
    const kind = series && (series.kind || figure.dataset.plot);
    if (!series || !Object.hasOwn(KINDS, kind)) return;
    const facts = JSON.stringify(series), before = drawn.get(figure);
    if (before && before.facts === facts && !force && figure.contains(before.place)) { before.made.resize(); return; }
    let place = figure.querySelector(":scope > [data-own='plot']");
    if (!place) figure.append(place = d.h("div", { "data-own": "plot", class: "chart", "aria-hidden": "true" }));
    if (before) before.made.destroy();
    figure.dataset.ownDrawn = "1";
    drawn.set(figure, { facts, place, made: d.chart(place, series, kind) });
  }

  const sight = () => [...d.section(d.route.name).querySelectorAll("figure.plot[data-series]")];
  let watcher = null;

  function watch() {
    for (const [figure, { made }] of drawn) if (!figure.isConnected) { made.destroy(); drawn.delete(figure); }
    for (const figure of sight()) {
      watcher.observe(figure);
      if (drawn.has(figure) && figure.offsetWidth) draw(figure);
    }
    rest();
  }

  /** What is out of sight is drawn when there is nothing else to do. */
  function rest() {
    const missing = sight().find((figure) => !drawn.has(figure) && figure.offsetWidth && Object.hasOwn(d.current.series || {}, figure.dataset.series));
    if (!missing) return;
    const go = () => { if (missing.isConnected && !drawn.has(missing)) draw(missing); rest(); };
    if (window.requestIdleCallback) requestIdleCallback(go, { timeout: 2000 });
    else setTimeout(go, 50);
  }

  d.startPlots = () => {
    watcher = new IntersectionObserver((entries) => { for (const entry of entries) if (entry.isIntersecting) draw(entry.target); }, { rootMargin: "400px" });
    d.on("shown", watch);
    const again = d.settled(80, () => { for (const figure of drawn.keys()) if (figure.isConnected && figure.offsetWidth) draw(figure); });
    addEventListener("resize", again);
    d.on("theme", () => { for (const figure of drawn.keys()) if (figure.isConnected) draw(figure, true); });
    addEventListener("beforeprint", () => sight().forEach((figure) => draw(figure)));
    for (const query of ["(prefers-color-scheme: dark)", "print"]) matchMedia(query).addEventListener("change", () => d.emit("theme"));
  };

  /** Memory and CPU of one attempt over its time. */
  d.drawCurve = (place, curve, { memory }) => {
    const facts = JSON.stringify(curve);
    if (place.ownFacts === facts && place.ownTheme === d.colour("card")) return;
    Object.assign(place, { ownFacts: facts, ownTheme: d.colour("card") });
    const x = curve.map(([at]) => at / 1000), limited = d.known(memory);
    const pictures = [["memory", "B", curve.map(([, bytes]) => bytes), "done"], ["CPUs in use", "", curve.map(([, , cpu]) => cpu), "running"]].filter(([, , y]) => y.some((each) => each !== null));
    place.replaceChildren(...pictures.map(() => d.h("div", { class: "chart-half" })));
    pictures.forEach(([label, unit, y, state], index) => {
      const lines = [{ label, state, y }];
      if (unit === "B" && limited) lines.push({ label: "limit", state: "failed", y: y.map(() => memory) });
      d.chart(place.children[index], { kind: "lines", x, lines, unit: unit || "n", named: true }, "lines");
    });
  };
})(globalThis.dsgspool);
