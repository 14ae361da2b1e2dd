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

  function axis(facts) {
    return {
      stroke: d.colour("dim") || "#666",
      font: FONT,
      labelFont: FONT,
      labelSize: 18,
      gap: 4,
      size: fitting,
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

  /** Round values inside edges that grow by a factor: [[place in bins, value]...]. */
  d.logSplits = (edges, unit) => {
    const round =
      unit === "s"
        ? [0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 36_000, 86_400, 864_000]
        : [1, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12];
    const fine = round.flatMap((value, at) =>
      at + 1 < round.length && round[at + 1] / value > 4
        ? [value, value * (unit === "s" && value === 60 ? 5 : 3)]
        : [value],
    );
    const place = (value) => {
      const at = Math.max(0, Math.min(edges.length - 2, d.lower(edges, value) - 1));
      return at + (value - edges[at]) / (edges[at + 1] - edges[at]);
    };
    const inside = (values) =>
      values
        .filter((value) => value >= edges[0] && value <= edges[edges.length - 1])
        .map((value) => [place(value), value]);
    const found = inside(round);
    return found.length >= 3
      ? found
      : inside(fine).length
        ? inside(fine)
        : [
            [0, edges[0]],
            [edges.length - 1, edges[edges.length - 1]],
          ];
  };
  d.logValue = (edges, unit, place) =>
    (d.logSplits(edges, unit).find(([each]) => Math.abs(each - place) < 1e-9) || [0, NaN])[1];

  d.plot = { keyColour, soft, axis, moments, whole, inUnit, shortUnit, apart, diagonal };
})(globalThis.dsgspool);
