// Plots inside sections: each `figure.plot[data-series]` is drawn when it comes into sight, or when there is nothing
// else to do.
// The rule: what the figure says in words stays for those who do not see it; a figure whose numbers are the same is
// left alone.
(function (d) {
  "use strict";

  const drawn = new Map(); // figure -> {made, facts, place}

  function draw(figure, force = false) {
    const series = (d.current.series || {})[figure.dataset.series];
    const kind = series && (series.kind || figure.dataset.plot);
    if (!series || !Object.hasOwn(d.plotKinds, kind)) return;
    const facts = JSON.stringify(series),
      before = drawn.get(figure);
    if (before && before.facts === facts && !force && figure.contains(before.place)) {
      before.made.resize();
      return;
    }
    let place = figure.querySelector(":scope > [data-own='plot']");
    if (!place) figure.append((place = d.h("div", { "data-own": "plot", class: "chart", "aria-hidden": "true" })));
    if (before) before.made.destroy();
    figure.dataset.ownDrawn = "1";
    drawn.set(figure, { facts, place, made: d.chart(place, series, kind) });
  }

  const sight = () => [...d.section(d.route.name).querySelectorAll("figure.plot[data-series]")];
  let watcher = null;

  function watch() {
    for (const [figure, { made }] of drawn)
      if (!figure.isConnected) {
        made.destroy();
        drawn.delete(figure);
      }
    for (const figure of sight()) {
      watcher.observe(figure);
      if (drawn.has(figure) && figure.offsetWidth) draw(figure);
    }
    rest();
  }

  /** What is out of sight is drawn when there is nothing else to do. */
  function rest() {
    const missing = sight().find(
      (figure) =>
        !drawn.has(figure) && figure.offsetWidth && Object.hasOwn(d.current.series || {}, figure.dataset.series),
    );
    if (!missing) return;
    const go = () => {
      if (missing.isConnected && !drawn.has(missing)) draw(missing);
      rest();
    };
    if (window.requestIdleCallback) requestIdleCallback(go, { timeout: 2000 });
    else setTimeout(go, 50);
  }

  d.startPlots = () => {
    watcher = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) if (entry.isIntersecting) draw(entry.target);
      },
      { rootMargin: "400px" },
    );
    d.on("shown", watch);
    d.on("theme", () => {
      for (const figure of drawn.keys()) if (figure.isConnected) draw(figure, true);
    });
    addEventListener("beforeprint", () => sight().forEach((figure) => draw(figure)));
    for (const query of ["(prefers-color-scheme: dark)", "print"])
      matchMedia(query).addEventListener("change", () => d.emit("theme"));
  };
})(globalThis.dsgspool);
