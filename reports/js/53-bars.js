// Draws the attempts of the timeline.
// The rule: few are drawn as bars, many as one row of pixels for each lane, stretched over its height, in which failed
// and lost ones win their pixel; the time that takes does not grow with the number of attempts that share a pixel's
// colour.  Bars with room for it have a shape that says what their colour says: one that failed is bitten at its end, one
// that runs has a point, one that was given back is half as high, one whose end is not known is hatched.
(function (d) {
  "use strict";

  const FEW = 2500; // attempts in sight that are drawn one by one

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

  /** The attempts in sight. */
  d.paintBars = (g, model, view, x) => {
    const { parts, count } = visible(model, view);
    view.drawn = count;
    if (count <= FEW) few(g, parts, model, view, x);
    else many(g, parts, view);
  };

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
        const row = lane.rows[at],
          left = x(lane.starts[at]),
          right = Math.max(left + 1.2, x(lane.ends[at]) - (height > 4 ? 0.6 : 0));
        const faint = lane.ends[at] - lane.starts[at] < shortest;
        const a = Math.max(left, layout.gutter - 4),
          width = Math.min(right, layout.width + 4) - a;
        g.fillStyle = faint ? ink.line : ink.bars[colours.of[row]];
        shape(g, faint ? "" : d.KINDS[model.kinds[row]], a, top + inset, width, height - inset * 2);
        if (row === view.hot) {
          g.strokeStyle = ink.text;
          g.lineWidth = 1.5;
          g.strokeRect(a, top + inset, width, height - inset * 2);
          g.lineWidth = 1;
        }
      }
    }
    g.restore();
  }

  const LEAST = 5; // pixels in which a shape can be seen

  function shape(g, kind, x, y, width, height) {
    if (kind === "lost" || kind === "silent") {
      hatch(g, x, y, width, height, g.fillStyle);
    } else if (Math.min(width, height) < LEAST || kind === "done" || !kind) {
      g.fillRect(x, y, width, height);
    } else if (kind === "back") {
      g.fillRect(x, y + height / 2, width, height / 2);
    } else {
      const end = x + width,
        inner = end - Math.min(height / 2, width / 2);
      const [corner, middle] = kind === "failed" ? [end, inner] : [inner, end];
      g.beginPath();
      g.moveTo(x, y);
      g.lineTo(corner, y);
      g.lineTo(middle, y + height / 2);
      g.lineTo(corner, y + height);
      g.lineTo(x, y + height);
      g.fill();
    }
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
    for (let at = x - height; at < x + width; at += 6) {
      g.moveTo(at, y + height);
      g.lineTo(at + height, y);
    }
    g.stroke();
    g.strokeRect(x + 0.5, y + 0.5, Math.max(1, width - 1), Math.max(1, height - 1));
    g.restore();
  }

  let sheet = null;

  /** One row of pixels for each lane, stretched over its height. */
  function many(g, parts, view) {
    const { layout, ink, colours, ratio } = view;
    const width = Math.max(1, Math.round((layout.width - layout.gutter) * ratio));
    if (!sheet || sheet.width !== width || sheet.height < parts.length)
      sheet = d.h("canvas", { width, height: Math.max(parts.length, 64) });
    const paper = sheet.getContext("2d");
    const image = paper.createImageData(width, parts.length);
    const pixels = new Uint32Array(image.data.buffer),
      rank = new Uint8Array(width);
    const scale = width / (view.to - view.from),
      shortest = view.min * 1000,
      faint = ink.pixels[ink.pixels.length - 1];
    parts.forEach(({ lane, first, beyond }, line) => {
      const base = line * width;
      rank.fill(0);
      for (let at = first; at < beyond; at += 1) {
        const start = lane.starts[at],
          end = lane.ends[at],
          group = colours.of[lane.rows[at]];
        const short = end - start < shortest;
        const own = short ? 1 : 2 + (colours.urgent[group] || 0);
        const from = Math.max(0, Math.floor((start - view.from) * scale));
        const to = Math.min(width, Math.max(from + 1, Math.round((end - view.from) * scale)));
        const colour = short ? faint : ink.pixels[group];
        for (let pixel = from; pixel < to; pixel += 1)
          if (rank[pixel] <= own) {
            rank[pixel] = own;
            pixels[base + pixel] = colour;
          }
      }
    });
    paper.putImageData(image, 0, 0);
    g.imageSmoothingEnabled = false;
    parts.forEach(({ top, height }, line) => {
      const inset = height > 8 ? 1 : height > 4 ? 0.5 : 0;
      g.drawImage(
        sheet,
        0,
        line,
        width,
        1,
        layout.gutter,
        top + inset,
        layout.width - layout.gutter,
        height - inset * 2,
      );
    });
  }
})(globalThis.dsgspool);
