// Which page is shown: the part of the address behind `#` says it, with search, order and zoom, so that a link shows
// the same.
// The rule: no state of a view that is not in the address; a page of its own is a step of the way back, a filter is
// not. <html data-ready> is the address once all that belongs to it is drawn.
(function (d) {
  "use strict";

  const TITLES = {
    overview: "Overview",
    timeline: "Timeline",
    tasks: "Tasks",
    task: "Task",
    failures: "Failures",
    batches: "Batches",
    nodes: "Nodes",
    about: "About",
  };
  const views = {}; // name -> {draw(route, why), leave()}
  const scrolled = new Map(); // address -> where one had scrolled to
  let shown = null;
  let turn = 0;
  let initial = true;

  d.view = (name, view) => {
    views[name] = view;
  };
  d.route = null;

  /** `#/task/a/b?x=1` -> {name, rest: "a/b", params}. */
  d.parseHash = (hash) => {
    const [path, query = ""] = split(hash.replace(/^#/, ""), "?");
    const [name, ...rest] = path.replace(/^\//, "").split("/");
    const known = name === "" ? "overview" : Object.hasOwn(TITLES, name) && name !== "overview" ? name : "nowhere";
    return { name: known, rest: rest.map(d.decode).join("/"), params: new URLSearchParams(query), hash };
  };

  function split(text, at) {
    const index = text.indexOf(at);
    return index < 0 ? [text] : [text.slice(0, index), text.slice(index + 1)];
  }

  /** The address of a page. */
  d.link = (name, rest = "", params = null) => {
    const path = name === "overview" ? "" : name + (rest ? `/${rest.split("/").map(d.encode).join("/")}` : "");
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(params || {}))
      if (value !== "" && value !== null && value !== undefined) query.set(key, value);
    const text = query.toString().replaceAll("%3A", ":").replaceAll("%2C", ",").replaceAll("%2F", "/");
    return `#/${path}${text ? `?${text}` : ""}`;
  };

  /** The section of a page; made when the shell has none. */
  d.section = (name) => {
    let found =
      document.querySelector(`[data-page="${name}"]`) ||
      document.getElementById(name) ||
      document.getElementById(`page-${name}`);
    if (!found) {
      found = d.h("section", { "data-page": name, "data-own": true, hidden: true });
      document.querySelector("main").append(found);
    }
    return found;
  };

  /** Keep a view's state in the address without a step of the way back. */
  d.keep = (params) => {
    const route = d.route,
      hash = d.link(route.name, route.rest, params);
    if (hash === location.hash) {
      ready();
      return;
    }
    history.replaceState(history.state, "", hash);
    d.route = d.parseHash(hash);
    ready();
  };

  const ready = () => {
    document.documentElement.dataset.ready = location.hash || "#/";
  };
  d.ready = ready;

  function title(route) {
    const name = route.name === "task" ? d.plain(route.rest) : TITLES[route.name];
    const words = d.current ? d.current.title : "";
    return route.name === "overview" ? `${words} · dsgspool` : `${name} · ${words} · dsgspool`;
  }

  d.retitle = () => {
    document.title = title(d.route);
  };

  function mark(route) {
    const name = route.name === "task" ? "tasks" : route.name;
    for (const link of document.querySelectorAll("nav a[href^='#/']")) {
      const own = d.parseHash(link.getAttribute("href")).name === name;
      if (own) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  /** Show what the address says.  why: "start", "step" (the address changed), "news" (a newer report came). */
  d.show = async (why) => {
    const mine = (turn += 1);
    const route = d.parseHash(location.hash);
    if (route.name === "nowhere") {
      history.replaceState(null, "", "#/");
      return d.show(why);
    }
    const before = shown;
    if (why !== "news") delete document.documentElement.dataset.ready;
    if (before && before !== route.name && views[before] && views[before].leave) views[before].leave();
    d.route = route;
    shown = route.name;
    document.documentElement.dataset.route = route.name;
    for (const name of Object.keys(TITLES)) d.section(name).hidden = name !== route.name;
    mark(route);
    d.retitle();
    try {
      if (views[route.name]) await views[route.name].draw(route, why);
    } catch (error) {
      if (mine === turn) trouble(route, error);
    }
    if (mine !== turn) return undefined;
    d.emit("shown", route);
    if (why === "step") land(route, before);
    initial = false;
    ready();
    return undefined;
  };

  function trouble(route, error) {
    const note = d.h(
      "div",
      { class: "trouble", role: "alert" },
      d.h("p", {}, "A part of this report could not be read: ", d.visible(error.message), "."),
      d.h("p", {}, d.h("button", { type: "button", on: { click: () => location.reload() } }, "Load it again")),
    );
    const section = d.section(route.name);
    section.querySelectorAll(":scope > .trouble").forEach((old) => old.remove());
    section.append(note);
  }

  /** Wait for something that a hand asked for; what cannot be read is told on the page. */
  d.told = (promise) => promise.catch((error) => trouble(d.route, error));

  /** Where the eyes and the keyboard are after a step: back where one was, or on the heading. */
  function land(route, before) {
    const back = scrolled.get(location.hash);
    if (before === route.name && back === undefined && route.name !== "task") return;
    scrollTo(0, steppedBack && back !== undefined ? back : 0);
    const heading = d.section(route.name).querySelector("h1, h2");
    if (heading && !initial && before !== null) {
      heading.setAttribute("tabindex", "-1");
      heading.focus({ preventScroll: true });
    }
    steppedBack = false;
  }

  let steppedBack = false;

  d.startRouter = () => {
    if ("scrollRestoration" in history) history.scrollRestoration = "manual";
    addEventListener("popstate", () => {
      steppedBack = true;
    });
    document.addEventListener(
      "click",
      (event) => {
        if (event.target instanceof Element && event.target.closest("a[href^='#/']"))
          setTimeout(() => {
            steppedBack = false;
          }, 0);
      },
      true,
    );
    addEventListener(
      "scroll",
      d.settled(100, () => {
        if (d.route) scrolled.set(d.route.hash, scrollY);
      }),
      { passive: true },
    );
    addEventListener("hashchange", () => {
      if (d.route && d.route.hash === location.hash && document.documentElement.dataset.ready === location.hash) return;
      d.show("step");
    });
    return d.show("start");
  };
})(globalThis.dsgspool);
