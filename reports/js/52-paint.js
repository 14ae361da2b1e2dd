// Draws the timeline onto a canvas: axis, nodes and when they were up, concurrency and queue below; the bars:
// 53-bars.js.
// The rule: work follows what is visible, and nothing is kept from one picture to the next.
(function (d) {
  "use strict";

  const AXIS = 26,
    CURVE = 96,
    GAP = 10;
  const MAX_HEIGHT = 6000;

  /** Heights, and how many marks of time there is room for: {gutter, ticks, axis, hosts: [{top, height, lane}], lanesEnd, curve, height}. */
  d.timelineLayout = (model, width, tallest) => {
    const narrow = width < 560,
      gutter = narrow ? 58 : 112;
    const most = MAX_HEIGHT - AXIS - CURVE - GAP - 4; // for all nodes: a taller canvas would be cut off, nodes and curves
    const gap = Math.min(model.hosts.length > 60 ? 2 : 6, most / model.hosts.length / 4);
    const room = Math.max(120, tallest - AXIS - CURVE - GAP * 2 - model.hosts.length * gap);
    const lane = Math.max(model.lanes.length > 1500 ? 1.5 : 3, Math.min(18, Math.floor(room / model.lanes.length)));
    const wanted = model.hosts.map((host) => Math.max(host.lanes.length * lane, model.hosts.length > 40 ? 8 : 14));
    const fits = Math.min(1, (most - gap * model.hosts.length) / wanted.reduce((sum, height) => sum + height, 0));
    let top = AXIS;
    const hosts = model.hosts.map((host, at) => {
      const height = wanted[at] * fits;
      const place = { top, height, lane: height / host.lanes.length };
      top += height + gap;
      return place;
    });
    return {
      gutter,
      ticks: Math.max(2, Math.floor((width - gutter) / (narrow ? 58 : 90))),
      axis: AXIS,
      hosts,
      lanesEnd: top,
      curve: { top: top + GAP, height: CURVE },
      height: top + GAP + CURVE + 4,
      width,
    };
  };

  /** Colours of the style sheet, as text and as pixels. */
  d.timelineInk = (keys) => {
    const names = { lost: "failed", silent: "running", back: "hold" };
    const of = (key) => d.colour(Object.hasOwn(names, key) ? names[key] : key) || "#888888";
    const ink = {
      ground: of("card"),
      down: of("code"),
      text: of("ink"),
      dim: of("dim"),
      line: of("line"),
      bad: of("failed"),
      bars: keys.map(of),
    };
    const probe = d.h("canvas", { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
    ink.pixels = Uint32Array.from([...ink.bars, ink.line], (colour) => {
      probe.fillStyle = colour;
      probe.fillRect(0, 0, 1, 1);
      return new Uint32Array(probe.getImageData(0, 0, 1, 1).data.buffer)[0];
    });
    return ink;
  };

  /** view: {from, to, min (seconds), colours, ink, layout, ratio}. */
  d.paintTimeline = (canvas, model, view) => {
    const { layout, ratio } = view;
    if (canvas.width !== Math.round(layout.width * ratio) || canvas.height !== Math.round(layout.height * ratio)) {
      canvas.width = Math.round(layout.width * ratio);
      canvas.height = Math.round(layout.height * ratio);
      canvas.style.height = `${layout.height}px`;
    }
    const g = canvas.getContext("2d");
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, layout.width, layout.height);
    const scale = (layout.width - layout.gutter) / (view.to - view.from);
    const x = (moment) => layout.gutter + (moment - view.from) * scale;
    g.font = "12px system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
    bands(g, model, view, x);
    grid(g, view, x);
    d.paintBars(g, model, view, x);
    labels(g, model, view);
    curve(g, model, view, x);
  };

  function bands(g, model, view, x) {
    const { layout, ink } = view;
    model.hosts.forEach((host, index) => {
      const { top, height } = layout.hosts[index];
      g.fillStyle = ink.down;
      g.fillRect(layout.gutter, top, layout.width - layout.gutter, height);
      g.fillStyle = ink.ground;
      for (const [from, to] of host.up) {
        const left = Math.max(layout.gutter, x(from)),
          right = Math.min(layout.width, x(to));
        if (right > left) g.fillRect(left, top, right - left, height);
      }
      g.fillStyle = ink.bad;
      for (const moment of host.lost) {
        const at = x(moment);
        if (at >= layout.gutter && at <= layout.width) g.fillRect(at - 1, top - 2, 2, height + 4);
      }
    });
  }

  function grid(g, view, x) {
    const { layout, ink } = view;
    g.textBaseline = "middle";
    g.textAlign = "center";
    for (const tick of d.ticks(view.from, view.to, layout.ticks)) {
      const at = Math.round(x(tick.at)) + 0.5;
      g.strokeStyle = ink.line;
      g.beginPath();
      g.moveTo(at, layout.axis - 5);
      g.lineTo(at, layout.height);
      g.stroke();
      const half = g.measureText(tick.label).width / 2;
      g.fillStyle = tick.major ? ink.text : ink.dim;
      if (at - half > layout.gutter - 20)
        g.fillText(tick.label, Math.min(at, layout.width - half - 2), layout.axis / 2 - 1);
    }
  }

  function labels(g, model, view) {
    const { layout, ink } = view;
    g.textAlign = "right";
    let last = -100;
    model.hosts.forEach((host, index) => {
      const { top, height } = layout.hosts[index],
        middle = top + height / 2;
      if (middle - last < 13) return;
      last = middle;
      g.fillStyle = host.lost.length ? ink.bad : ink.text;
      g.fillText(fitted(g, d.plain(host.name), layout.gutter - 12), layout.gutter - 8, middle);
    });
  }

  function fitted(g, text, width) {
    if (g.measureText(text).width <= width) return text;
    let short = text;
    while (short.length > 1 && g.measureText(`${short}…`).width > width) short = short.slice(0, -1);
    return `${short}…`;
  }

  function curve(g, model, view, x) {
    const { layout, ink } = view,
      { top, height } = layout.curve;
    const columns = Math.max(2, Math.floor((layout.width - layout.gutter) / 1.5));
    const half = (height - 10) / 2,
      now = d.current.stamp * 1000;
    const [running, queued] = [model.running, model.queued].map((each) =>
      d.highest(each, [view.from, view.to], columns, now),
    );
    band(g, running, top, half, d.colour("running") || "#e0a100", ["running"]);
    if (model.queued.arrivals.length)
      band(g, queued, top + half + 10, half, d.colour("todo") || "#b9bfc4", model.untold ? ["queued,", "at least"] : ["queued"]);

    function band(pen, values, y, tall, colour, label) {
      const most = Math.max(
        1,
        values.reduce((a, b) => Math.max(a, b), 0),
      );
      const steps = new Path2D();
      steps.moveTo(layout.gutter, y + tall);
      values.forEach((value, at) => {
        const left = layout.gutter + (at / columns) * (layout.width - layout.gutter),
          right = layout.gutter + ((at + 1) / columns) * (layout.width - layout.gutter);
        const level = y + tall - (value / most) * (tall - 2);
        steps.lineTo(left, level);
        steps.lineTo(right, level);
      });
      steps.lineTo(layout.width, y + tall);
      pen.fillStyle = colour;
      pen.globalAlpha = 0.85;
      pen.fill(steps);
      pen.globalAlpha = 1;
      pen.strokeStyle = ink.line;
      pen.strokeRect(layout.gutter + 0.5, y + tall + 0.5, layout.width - layout.gutter, 0);
      pen.textAlign = "right";
      pen.fillStyle = ink.text;
      label.forEach((word, line) =>
        pen.fillText(word, layout.gutter - 8, y + tall - 8 - 14 * (label.length - 1 - line), layout.gutter - 10),
      );
      pen.fillStyle = ink.dim;
      pen.fillText(`max ${d.count(most)}`, layout.gutter - 8, y + 8, layout.gutter - 10);
      const end = x(now);
      if (end < layout.width) {
        pen.fillStyle = ink.dim;
        pen.fillRect(end, y, 1, tall);
      }
    }
  }

  /** The strip of everything, with a window where the view is. */
  d.paintOverview = (canvas, model, view) => {
    const height = 46,
      { ratio, layout, ink } = view,
      width = layout.width;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const g = canvas.getContext("2d");
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    const [least, most] = model.bounds,
      room = width - layout.gutter;
    const columns = Math.max(2, Math.floor(room / 2));
    const values = d.highest(model.running, [least, most], columns, Infinity);
    const top = values.reduce((a, b) => Math.max(a, b), 1);
    g.fillStyle = ink.down;
    g.fillRect(layout.gutter, 0, room, height);
    g.fillStyle = d.colour("done") || "#2f6f9f";
    g.globalAlpha = 0.55;
    values.forEach((value, at) =>
      g.fillRect(
        layout.gutter + (at * room) / columns,
        height - (value / top) * (height - 4),
        room / columns + 0.4,
        height,
      ),
    );
    g.globalAlpha = 1;
    const x = (moment) => layout.gutter + ((moment - least) / (most - least)) * room;
    // Teeth on the upper edge, a shape that the curve has not: something failed or was lost then.
    g.fillStyle = d.colour("failed") || "#b3261e";
    let tooth = -Infinity;
    for (const moment of model.bad) {
      if (x(moment) - tooth < 2) continue;
      tooth = x(moment);
      g.fillRect(tooth - 1, 0, 2, 7);
    }
    const [a, b] = [x(view.from), x(view.to)];
    g.fillStyle = ink.ground;
    g.globalAlpha = 0.62;
    g.fillRect(layout.gutter, 0, a - layout.gutter, height);
    g.fillRect(b, 0, width - b, height);
    g.globalAlpha = 1;
    g.strokeStyle = ink.text;
    g.strokeRect(
      Math.max(layout.gutter + 0.5, a),
      0.5,
      Math.min(width - 1, Math.max(b, a + 2)) - Math.max(layout.gutter, a),
      height - 1,
    );
    g.fillStyle = ink.dim;
    g.font = "12px system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
    g.textAlign = "right";
    g.textBaseline = "middle";
    g.fillText("all", layout.gutter - 8, height / 2);
  };
})(globalThis.dsgspool);
