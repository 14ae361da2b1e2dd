// How old the page is, in large letters, every second; red when it is older than its writer promised while work is
// open.
// The rule: two clocks are never taken for one: a stamp that lies in the future, or a page that is new and looks old,
// means that they differ, and the page says so instead of calling the writer dead.
(function (d) {
  "use strict";

  const BY_HAND = 900; // seconds: a page that nobody promised to renew
  const SLACK = 30;
  const clock = { skew: 0, told: false, seen: 0, stamp: 0 };

  /** A page with this stamp came; `within`: seconds in which it must have been written (null: not known). */
  d.clockOf = (stamp, within = null, now = Date.now() / 1000) => {
    clock.stamp = stamp;
    clock.seen = now;
    const apart = now - stamp;
    if (apart < -2) clock.skew = apart;
    else if (within !== null && apart > within + SLACK) clock.skew = apart;
    else if (within !== null) clock.skew = 0;
    clock.told = Math.abs(clock.skew) > SLACK;
    return clock;
  };

  /** {seconds, stale, words} of a page.  Pure. */
  d.ageOf = (page, now, skew) => {
    const seconds = Math.max(0, now - page.stamp - skew);
    const counts = page.counts || {};
    const open = (counts.todo || 0) + (counts.waiting || 0) + (counts.running || 0);
    const promised = page.writes_every ? Math.max(3 * page.writes_every, 60) : BY_HAND;
    const stale = open > 0 && seconds > promised;
    const words = !stale
      ? ""
      : page.writes_every
        ? "its writer seems to be gone"
        : "nobody keeps it fresh: dsgspool report --watch";
    return { seconds, stale, words };
  };

  d.agoText = (seconds) =>
    seconds < 5 ? "just now" : `${d.duration(seconds < 60 ? Math.floor(seconds) : seconds)} ago`.replace(".0 s", " s");

  function tell() {
    const element = document.querySelector(".age");
    if (!element || !d.current) return;
    const age = d.ageOf(d.current, Date.now() / 1000, clock.skew);
    element.classList.toggle("stale", age.stale);
    const parts = parted(element);
    d.say(parts.ago, `written ${d.agoText(age.seconds)}`);
    d.say(parts.words, age.words);
    d.say(
      parts.clock,
      clock.told ? `your clock and the file server's differ by ${d.duration(Math.abs(clock.skew))}` : "",
    );
    element.title = `written ${d.exact(d.current.stamp * 1000)}`;
    if (age.stale && !element.dataset.ownStale)
      d.announce(`This page was written ${d.agoText(age.seconds)}; ${age.words}`);
    if (age.stale) element.dataset.ownStale = "1";
    else delete element.dataset.ownStale;
  }

  function parted(element) {
    if (!element.querySelector("[data-own='ago']")) {
      element.replaceChildren(
        ...["ago", "words", "clock"].map((name) => d.h("span", { "data-own": name, class: `age-${name}` })),
      );
    }
    const part = (name) => element.querySelector(`[data-own='${name}']`);
    return { ago: part("ago"), words: part("words"), clock: part("clock") };
  }

  d.tellAge = tell;
  d.startAge = () => {
    d.clockOf(d.current.stamp);
    tell();
    setInterval(() => {
      if (document.visibilityState === "visible") tell();
    }, 1000);
    document.addEventListener("visibilitychange", tell);
  };
})(globalThis.dsgspool);
