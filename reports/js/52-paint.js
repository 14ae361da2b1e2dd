// Draws the timeline onto a canvas: axis, nodes and their lanes, concurrency and queue below.
// The rule: work follows what is visible: few attempts are drawn as bars, many as one row of pixels for each lane, in which failed
// and lost ones win their pixel; nothing is kept but what the next click needs to know.
(function (d) {
  "use strict";

  const FEW = 2500; // attempts in sight that are drawn one by one
  const AXIS = 26, CURVE = 96, GAP = 10;
  const MAX_HEIGHT = 6000;

  /** Heights: {gutter, axis, hosts: [{top, height, lane}], lanesEnd, curve, height}. */
  d.timelineLayout = (model, width, tallest) => {
    const narrow = width < 560;
    const gap = model.hosts.length > 60 ? 2 : 6;
    const room = Math.max(120, tallest - AXIS - CURVE - GAP * 2 - model.hosts.length * gap);
    const lane = Math.max(model.lanes.length > 1500 ? 1.5 : 3, Math.min(18, Math.floor(room / model.lanes.length)));
    let top = AXIS;
    const hosts = model.hosts.map((host) => {
      const height = Math.max(host.lanes.length * lane, model.hosts.length > 40 ? 8 : 14);
      const place = { top, height, lane: height / host.lanes.length };
      top += height + gap;
      return place;
    });
    return { gutter: narrow ? 58 : 112, axis: AXIS, hosts, lanesEnd: top, curve: { top: top + GAP, height: CURVE }, height: Math.min(MAX_HEIGHT, top + GAP + CURVE + 4), width };
  };

  /** Colours of the style sheet, as text and as pixels. */
  d.timelineInk = (keys) => {
    const names = { lost: "failed", back: "hold" };
    const of = (key) => d.colour(Object.hasOwn(names, key) ? names[key] : key) || "#888888";
    const ink = { ground: of("card"), down: of("code"), text: of("ink"), dim: of("dim"), line: of("line"), bad: of("failed"), bars: keys.map(of) };
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
    bars(g, model, view, x);
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
        const left = Math.max(layout.gutter, x(from)), right = Math.min(layout.width, x(to));
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
    for (const tick of d.ticks(view.from, view.to, Math.max(2, Math.floor((layout.width - layout.gutter) / 90)))) {
      const at = Math.round(x(tick.at)) + 0.5;
      g.strokeStyle = ink.line;
      g.beginPath();
      g.moveTo(at, layout.axis - 5);
      g.lineTo(at, layout.height);
      g.stroke();
      const half = g.measureText(tick.label).width / 2;
      g.fillStyle = tick.major ? ink.text : ink.dim;
      if (at - half > layout.gutter - 20) g.fillText(tick.label, Math.min(at, layout.width - half - 2), layout.axis / 2 - 1);
    }
  }

  function visible(model, view) {
    let count = 0;
    const parts = [];
    model.hosts.forEach((host, index) => {
      const place = view.layout.hosts[index];
      host.lanes.forEach((lane, slot) => {
        const [first, beyond] = d.visibleIn(lane, view.from, view.to);
        count += beyond - first;
        if (beyond > first) parts.push({ lane, first, beyond, top: place.top + slot * place.lane, height: place.lane });
      });
    });
    return { parts, count };
  }

  function bars(g, model, view, x) {
    const { parts, count } = visible(model, view);
    view.drawn = count;
    if (count <= FEW) few(g, parts, model, view, x);
    else many(g, parts, model, view);
  }

  function few(g, parts, model, view, x) {
    const { layout, ink, colours } = view;
    const shortest = view.min * 1000;
    g.save();
    g.beginPath();
    g.rect(layout.gutter, 0, layout.width - layout.gutter, layout.height);
    g.clip();
    for (const { lane, first, beyond, top, height } of parts) {
      const inset = height > 8 ? 1.5 : height > 4 ? 0.5 : 0;
      for (let at = first; at < beyond; at += 1) {
        const row = lane.rows[at], left = x(lane.starts[at]), right = Math.max(left + 1.2, x(lane.ends[at]) - (height > 4 ? 0.6 : 0));
        const faint = lane.ends[at] - lane.starts[at] < shortest;
        const a = Math.max(left, layout.gutter - 4), width = Math.min(right, layout.width + 4) - a;
        g.fillStyle = faint ? ink.line : ink.bars[colours.of[row]];
        const lost = d.KINDS[model.kinds[row]] === "lost";
        if (lost && !faint) hatch(g, a, top + inset, width, height - inset * 2, g.fillStyle);
        else g.fillRect(a, top + inset, width, height - inset * 2);
        if (row === view.hot) { g.strokeStyle = ink.text; g.lineWidth = 1.5; g.strokeRect(a, top + inset, width, height - inset * 2); g.lineWidth = 1; }
      }
    }
    g.restore();
  }

  function hatch(g, x, y, width, height, colour) {
    g.save();
    g.beginPath();
    g.rect(x, y, width, height);
    g.clip();
    g.globalAlpha = 0.25;
    g.fillRect(x, y, width, height);
    g.globalAlpha = 1;
    g.strokeStyle = colour;
    g.lineWidth = 2;
    g.beginPath();
    for (let at = x - height; at < x + width; at += 6) { g.moveTo(at, y + height); g.lineTo(at + height, y); }
    g.stroke();
    g.strokeRect(x + 0.5, y + 0.5, Math.max(1, width - 1), Math.max(1, height - 1));
    g.restore();
  }

  let sheet = null;

  /** One row of pixels for each lane, stretched over its height. */
  function many(g, parts, model, view) {
    const { layout, ink, colours, ratio } = view;
    const width = Math.max(1, Math.round((layout.width - layout.gutter) * ratio));
    if (!sheet || sheet.width !== width || sheet.height < parts.length) sheet = d.h("canvas", { width, height: Math.max(parts.length, 64) });
    const paper = sheet.getContext("2d");
    const image = paper.createImageData(width, parts.length);
    const pixels = new Uint32Array(image.data.buffer), rank = new Uint8Array(width);
    const scale = width / (view.to - view.from), shortest = view.min * 1000, faint = ink.pixels[ink.pixels.length - 1];
    parts.forEach(({ lane, first, beyond }, line) => {
      const base = line * width;
      rank.fill(0);
      for (let at = first; at < beyond; at += 1) {
        const start = lane.starts[at], end = lane.ends[at], group = colours.of[lane.rows[at]];
        const short = end - start < shortest;
        const own = short ? 1 : 2 + (colours.urgent[group] || 0);
        const from = Math.max(0, Math.floor((start - view.from) * scale));
        const to = Math.min(width, Math.max(from + 1, Math.round((end - view.from) * scale)));
        const colour = short ? faint : ink.pixels[group];
        for (let pixel = from; pixel < to; pixel += 1) if (rank[pixel] <= own) { rank[pixel] = own; pixels[base + pixel] = colour; }
      }
    });
    paper.putImageData(image, 0, 0);
    g.imageSmoothingEnabled = false;
    parts.forEach(({ top, height }, line) => {
      const inset = height > 8 ? 1 : height > 4 ? 0.5 : 0;
      g.drawImage(sheet, 0, line, width, 1, layout.gutter, top + inset, layout.width - layout.gutter, height - inset * 2);
    });
  }

  function labels(g, model, view) {
    const { layout, ink } = view;
    g.textAlign = "right";
    let last = -100;
    model.hosts.forEach((host, index) => {
      const { top, height } = layout.hosts[index], middle = top + height / 2;
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

  /** [running, queued] at a moment. */
  d.levels = (model, moment) => [
    d.lower(model.starts, moment) - d.lower(model.ends, moment),
    d.lower(model.submitted, moment) - d.lower(model.begun, moment),
  ];

  function curve(g, model, view, x) {
    const { layout, ink } = view, { top, height } = layout.curve;
    const columns = Math.max(2, Math.floor((layout.width - layout.gutter) / 1.5));
    const running = new Float64Array(columns), queued = new Float64Array(columns);
    for (let at = 0; at < columns; at += 1) [running[at], queued[at]] = d.levels(model, view.from + (at + 0.5) / columns * (view.to - view.from));
    const half = (height - 10) / 2;
    const now = d.current.stamp * 1000;
    band(g, running, top, half, d.colour("running") || "#e0a100", "running");
    if (model.submitted.length) band(g, queued, top + half + 10, half, d.colour("todo") || "#b9bfc4", "queued");

    function band(pen, values, y, tall, colour, label) {
      const most = Math.max(1, values.reduce((a, b) => Math.max(a, b), 0));
      const steps = new Path2D();
      steps.moveTo(layout.gutter, y + tall);
      values.forEach((value, at) => {
        const left = layout.gutter + at / columns * (layout.width - layout.gutter), right = layout.gutter + (at + 1) / columns * (layout.width - layout.gutter);
        const level = y + tall - value / most * (tall - 2);
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
      pen.fillText(label, layout.gutter - 8, y + tall - 8);
      pen.fillStyle = ink.dim;
      pen.fillText(`max ${d.count(most)}`, layout.gutter - 8, y + 8);
      const end = x(now);
      if (end < layout.width) { pen.fillStyle = ink.dim; pen.fillRect(end, y, 1, tall); }
    }
  }
})(globalThis.dsgspool);
