// Axes of plots: words for moments, durations, sizes and shares; round marks on a scale that grows by factors.
// The rule: colours and fonts come from the style sheet at the moment of drawing.
(function (d) {
  "use strict";

  const FONT = "12px system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

  const keyColour = (key, index) =>
    d.colour(Object.hasOwn({ lost: 1 }, key || "") ? "failed" : key || "") ||
    d.colour(`group-${(index % 7) + 1}`) ||
    "#2f6f9f";
  const soft = (colour, share) => `color-mix(in srgb, ${colour} ${share}%, transparent)`;

  const fitting = (u, values) => 16 + 7 * Math.max(2, ...(values || []).map((each) => String(each || "").length));

  /** How far apart marks may be on an even scale. */
  const STEPS = { B: Array.from({ length: 51 }, (_, at) => 2 ** at) };

  function axis({ unit, ...facts }) {
    return {
      stroke: d.colour("dim") || "#666",
      font: FONT,
      labelFont: FONT,
      labelSize: 18,
      gap: 4,
      size: fitting,
      ...(Object.hasOwn(STEPS, unit || "") ? { incrs: STEPS[unit] } : {}),
      grid: { stroke: soft(d.colour("line") || "#ddd", 80), width: 1 },
      ticks: { stroke: d.colour("line") || "#ddd", width: 1, size: 4 },
      ...facts,
    };
  }

  const moments = (u, splits) => {
    const step = splits.length > 1 ? splits[1] - splits[0] : 1;
    return splits.map((each, index) => {
      const date = new Date(each * 1000),
        two = (number) => String(number).padStart(2, "0");
      const day = `${date.getDate()} ${date.toLocaleString("en", { month: "short" })}`;
      if (step >= 86400 || (date.getHours() === 0 && date.getMinutes() === 0)) return day;
      return `${two(date.getHours())}:${two(date.getMinutes())}${step < 60 ? `:${two(date.getSeconds())}` : ""}${index === 0 && step >= 43200 ? `\n${day}` : ""}`;
    });
  };
  const whole = (u, splits) => splits.map((each) => (Number.isInteger(each) ? d.count(each) : ""));
  const inUnit = (unit) => (value) =>
    !d.known(value)
      ? "–"
      : unit === "s"
        ? d.duration(value)
        : unit === "B"
          ? d.size(value)
          : unit === "%"
            ? `${Math.round(value * 100)} %`
            : Number(value.toPrecision(3)).toLocaleString("en");
  const shortUnit = (unit) => (value) =>
    !d.known(value)
      ? ""
      : unit === "s"
        ? d.short(value)
        : unit === "B"
          ? d.size(value).replace(".0 ", " ")
          : unit === "%"
            ? `${Math.round(value * 100)} %`
            : Number(value.toPrecision(3)).toLocaleString("en");

  /** Marks that leave room for their words. */
  function apart(places, whole, width) {
    let last = -Infinity;
    return places.filter((place) => {
      if (((place - last) / whole) * width < 50) return false;
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

  const EACH = [1, 1.5, 2, 3, 4, 5, 6, 8];
  const powers = (from, to) => Array.from({ length: to - from + 1 }, (_, at) => 10 ** (from + at));
  const times = (values, factors) => values.flatMap((value) => factors.map((each) => each * value));
  const MINUTE = 60,
    HOUR = 3600,
    DAY = 86_400;
  /** Values that read well, from few to many. */
  const ROUND = {
    s: [
      [...powers(-3, 1), MINUTE, 10 * MINUTE, HOUR, 10 * HOUR, DAY, 10 * DAY],
      [...times(powers(-3, 0), [1, 3]), 10, 30, ...times([MINUTE], [1, 5, 30]), ...times([HOUR], [1, 6]), ...times([DAY], [1, 7])],
      [...times(powers(-3, 1), [1, 2, 5]), ...times([MINUTE], [1, 2, 5, 10, 20, 30]), ...times([HOUR], [1, 2, 5, 12]), ...times([DAY], [1, 2, 5, 10])],
      [
        ...times(powers(-3, 0), EACH),
        ...times([1, MINUTE], [10, 15, 20, 30, 40, 50]),
        ...times([MINUTE, HOUR, DAY], EACH),
        ...times([HOUR], [10, 12, 16, 20]),
        ...times([DAY], [10, 14, 20, 30]),
      ],
    ],
    // sizes are told in steps of 1,024
    B: [[20, [1]], [10, [1]], [5, [1]], [2, [1]], [1, [1]], [1, [1, 1.5]]].map(([step, factors]) =>
      times(Array.from({ length: Math.ceil(51 / step) }, (_, at) => 2 ** (at * step)), factors),
    ),
    other: [[1], [1, 3], [1, 2, 5], EACH].map((factors) => times(powers(-3, 12), factors)),
  };

  /** Round values of a scale that grows by factors, at least four where that can be. */
  function round([low, high], unit) {
    const found = ROUND[Object.hasOwn(ROUND, unit) ? unit : "other"].map((values) =>
      values.filter((value) => value >= low && value <= high).sort((a, b) => a - b),
    );
    return found.find((each) => each.length >= 4) || found[found.length - 1];
  }

  /** Round values inside edges that grow by a factor, at least four where that can be: [[place in bins, value]...]. */
  d.logSplits = (edges, unit) => {
    const last = edges.length - 1;
    const place = (value) => {
      const at = Math.max(0, Math.min(last - 1, d.lower(edges, value) - 1));
      return at + (value - edges[at]) / (edges[at + 1] - edges[at]);
    };
    const found = round([edges[0], edges[last]], unit).map((value) => [place(value), value]);
    return found.length >= 2
      ? found
      : [
          [0, edges[0]],
          [last, edges[last]],
        ];
  };
  d.logValue = (edges, unit, place) =>
    (d.logSplits(edges, unit).find(([each]) => Math.abs(each - place) < 1e-9) || [0, NaN])[1];

  d.plot = { keyColour, soft, axis, moments, whole, inUnit, shortUnit, apart, diagonal, round };
})(globalThis.dsgspool);
