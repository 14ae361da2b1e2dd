// The kinds of plots: lines over time, bars of a distribution, points of two numbers; each as what uPlot is told.
// The rule: pure but for colours; {data, options, legend, tell(index) -> [title, [label, value, colour]...]}.
(function (d) {
  "use strict";

  const { keyColour, soft, axis, moments, whole, inUnit, shortUnit, apart, diagonal, round } = d.plot;

  /** What a stacked line is filled with: failures are hatched, so that they are told apart without their colour. */
  function filled(state, colour) {
    if (state !== "failed") return colour;
    const tile = d.h("canvas", { width: 6, height: 6 }),
      pen = tile.getContext("2d");
    pen.fillStyle = soft(colour, 45);
    pen.fillRect(0, 0, 6, 6);
    pen.strokeStyle = colour;
    pen.lineWidth = 2.4;
    pen.beginPath();
    for (const at of [-6, 0, 6]) {
      pen.moveTo(at, 6);
      pen.lineTo(at + 6, 0);
    }
    pen.stroke();
    return pen.createPattern(tile, "repeat");
  }

  /**
   * Whether a scale grows by factors, the points that it can show, and their least and largest number.  Durations do when
   * they differ much; of what was asked for and used only what was asked for decides: how little of it was used is seen as a
   * height, and nothing used stands on the ground.
   */
  function spread(all, durations) {
    const above = all.filter(([x, y]) => x > 0 && y > 0);
    const least = (values) => values.reduce((low, each) => Math.min(low, each), Infinity),
      most = (values) => values.reduce((high, each) => Math.max(high, each), 0);
    const wide = (values) => most(values) > least(values) * 30;
    const log = wide(above.flatMap(([x, y]) => (durations ? [x, y] : [x])));
    const points = log ? above : all,
      values = points.flatMap(([x, y]) => [x, y]);
    return { log, points, low: least(values), high: most(values) || 1 };
  }
  d.spread = spread;

  d.plotKinds = {
    lines(series) {
      const lines = series.lines || [],
        unit = series.percent ? "%" : series.unit || "";
      const columns = lines.map((line) => line.y);
      let x = series.x,
        shown = columns;
      if (series.step && x.length) {
        // values of intervals: the last one has an end too
        x = [...x, x[x.length - 1] + series.step];
        shown = columns.map((each) => [...each, each[each.length - 1]]);
      }
      if (series.stacked)
        shown = shown.map((_, at) =>
          shown[0].map((__, point) => shown.slice(0, at + 1).reduce((sum, each) => sum + (each[point] || 0), 0)),
        );
      const order = series.stacked ? lines.map((_, at) => lines.length - 1 - at) : lines.map((_, at) => at);
      const stepped = series.step || series.ylabel === "tasks";
      const colours = lines.map((line, at) => keyColour(line.state, at));
      return {
        data: [x, ...order.map((at) => shown[at])],
        legend: lines.map((line, at) => [line.label, colours[at], series.stacked && line.state === "failed"]),
        options: {
          scales: {
            x: { time: true },
            y: { range: (u, low, high) => [0, series.percent ? Math.max(1, high) : Math.max(1, high) * 1.06] },
          },
          series: [
            {},
            ...order.map((at) => ({
              label: lines[at].label,
              stroke: colours[at],
              width: series.stacked ? 0 : 1.75,
              points: { show: false },
              spanGaps: false,
              fill: series.stacked ? filled(lines[at].state, colours[at]) : lines.length === 1 ? soft(colours[at], 22) : undefined,
              paths: stepped ? uPlot.paths.stepped({ align: 1 }) : undefined,
            })),
          ],
          axes: [
            axis({ values: moments, size: 28, space: 70 }),
            axis({
              unit,
              values: unit ? (u, splits) => splits.map(shortUnit(unit)) : whole,
              label: series.ylabel || null,
              labelGap: 0,
            }),
          ],
        },
        tell: (at) => [
          d.exact(x[at] * 1000) + (series.step ? `, ${d.short(series.step)}` : ""),
          ...lines.map((line, index) => [
            line.label,
            inUnit(unit)(columns[index][Math.min(at, columns[index].length - 1)]),
            colours[index],
          ]),
        ],
      };
    },

    bars(series) {
      const edges = series.edges,
        groups = series.groups || [],
        bins = edges.length - 1,
        unit = series.unit || "";
      const colours = groups.map((group, at) =>
        groups.length === 1 ? keyColour("done", 0) : keyColour(`group-${(at % 7) + 1}`, at),
      );
      const one = groups.length === 1;
      const x = Array.from({ length: bins + 1 }, (_, at) => at);
      return {
        data: [x, ...groups.map((group) => [...group.y, one ? null : group.y[bins - 1]])],
        legend: one ? [] : groups.map((group, at) => [group.label || "outside of a batch", colours[at]]),
        options: {
          scales: {
            x: { time: false, range: [0, bins] },
            y: { range: (u, low, high) => [0, Math.max(1, high) * 1.06] },
          },
          series: [
            {},
            ...groups.map((group, at) => ({
              label: group.label,
              stroke: colours[at],
              width: one ? 0 : 1.75,
              fill: soft(colours[at], one ? 85 : 14),
              points: { show: false },
              paths: one
                ? uPlot.paths.bars({ size: [1, Infinity], align: 1, gap: 1 })
                : uPlot.paths.stepped({ align: 1 }),
            })),
          ],
          axes: [
            axis({
              splits: (u) =>
                apart(
                  d.logSplits(edges, unit).map(([place]) => place),
                  bins,
                  u.width - 60,
                ),
              values: (u, splits) => splits.map((each) => shortUnit(unit)(d.logValue(edges, unit, each))),
              size: 28,
              space: 30,
              grid: { show: false },
            }),
            axis({ values: whole, label: "attempts", labelGap: 0 }),
          ],
        },
        tell: (at) => [
          `${inUnit(unit)(edges[Math.min(at, bins - 1)])} – ${inUnit(unit)(edges[Math.min(at, bins - 1) + 1])}`,
          ...groups.map((group, index) => [
            group.label || "attempts",
            d.count(group.y[Math.min(at, bins - 1)]),
            colours[index],
          ]),
        ],
      };
    },

    scatter(series) {
      const unit = series.unit || "";
      const { log, points, low, high } = spread([...series.points].sort((a, b) => a[0] - b[0]), unit === "s");
      const titled = (label) => (log ? `${label} (logarithmic)` : label);
      const bounds = log ? [low / 1.5, high * 1.5] : [0, high * 1.08];
      const colour = keyColour("done", 0);
      const places = (pixels, room) => {
        const [least, most] = bounds.map(Math.log);
        const at = (value) => ((Math.log(value) - least) / (most - least)) * pixels;
        let last = -Infinity;
        return round(bounds, unit).filter((value) => {
          if (at(value) - last < room) return false;
          last = at(value);
          return true;
        });
      };
      const marks = (side, room) =>
        log ? { splits: (u) => places(u.bbox[side] / devicePixelRatio, room), filter: (u, splits) => splits } : {};
      const scale = { distr: log ? 3 : 1, range: () => bounds };
      return {
        data: [points.map(([x]) => x), points.map(([, y]) => y)],
        legend: [],
        points,
        options: {
          height: 280,
          scales: { x: { time: false, ...scale }, y: scale },
          series: [
            {},
            {
              stroke: colour,
              width: 0,
              paths: () => null,
              points: { show: true, size: 6, fill: soft(colour, 45), stroke: colour, width: 0.5 },
            },
          ],
          axes: [
            axis({
              unit,
              values: (u, splits) => splits.map((each) => (each === null ? "" : shortUnit(unit)(each))),
              label: titled(series.xlabel),
              size: 28,
              space: 70,
              ...marks("width", 55),
            }),
            axis({
              unit,
              values: (u, splits) => splits.map((each) => (each === null ? "" : shortUnit(unit)(each))),
              label: titled(series.ylabel),
              ...marks("height", 22),
            }),
          ],
          hooks: series.diagonal ? { drawAxes: [(u) => diagonal(u, bounds)] } : {},
        },
      };
    },
  };
})(globalThis.dsgspool);
