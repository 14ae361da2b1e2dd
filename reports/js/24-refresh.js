// Looks for a newer report while the page is visible.
// The rule: one small file is asked for every ten seconds, and never in the background; a newer report comes in place;
// only another script makes the page load anew, and its address keeps what one was looking at.
(function (d) {
  "use strict";

  const EVERY = 10_000;
  let asked = 0; // when, ms
  let underway = null;
  let told = null;

  /** Called by latest.js. */
  d.latest = (latest) => {
    told = latest;
  };

  const ownScript = () => {
    const found = document.querySelector("script[src*='data/app-']");
    return found ? found.getAttribute("src").split("/").pop() : "";
  };

  async function look() {
    const before = asked;
    asked = Date.now();
    told = null;
    try {
      await d.script(`latest.js?t=${asked}`);
    } catch {
      return false; // being replaced, or the share is away: the age tells
    }
    if (!told || !(told.stamp > d.current.stamp)) return false;
    const latest = told;
    if (latest.app !== ownScript() && once(latest.app)) {
      location.reload();
      return false;
    }
    try {
      await d.script(`data/${latest.page}`);
    } catch {
      return false;
    }
    d.clockOf(d.current.stamp, before ? (Date.now() - before) / 1000 : null);
    return true;
  }

  /** True the first time for a script: a page that loads anew and is the old one still does not do it again. */
  function once(app) {
    try {
      if (sessionStorage.getItem("dsgspool.app") === app) return false;
      sessionStorage.setItem("dsgspool.app", app);
      return true;
    } catch {
      return false;
    }
  }

  /** Ask now; true when a newer report came. */
  d.poll = (now = false) => {
    if (!now && document.visibilityState !== "visible") return Promise.resolve(false);
    underway =
      underway ||
      look().finally(() => {
        underway = null;
      });
    return underway;
  };

  d.startRefresh = () => {
    asked = Date.now();
    setInterval(() => d.poll(), EVERY);
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "visible") return;
      if (Date.now() - asked > EVERY) asked = 0; // it may have been written long ago, which says nothing about clocks
      d.poll();
    });
    d.on("page", () => {
      d.tellAge();
      d.retitle();
      d.show("news");
    });
  };
})(globalThis.dsgspool);
