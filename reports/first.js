// Runs in the head of the page, before the rest of it is read: which page the address asks for, and its data files.
// The rule: sooner, and nothing else; without it all comes too, a little later, as 11-loader.js asks for it.
(function (own) {
  "use strict";

  const NEEDS = { timeline: ["runs"], tasks: ["tasks", "runs"], task: ["tasks", "runs", "names", "rest"] };
  const name = /^#\/([a-z]+)/.exec(location.hash)?.[1] || "overview";
  const came = new Map(); // file -> its text
  globalThis.dsgspool = { came, chunk: (file, text) => came.set(file, text) };
  document.documentElement.dataset.route = name; // the style sheet hides the overview: nobody asked for it
  addEventListener("load", () => {
    if (!globalThis.dsgspool.current) delete document.documentElement.dataset.route; // no script came: what can be read
  });
  for (const part of Object.hasOwn(NEEDS, name) ? NEEDS[name] : []) {
    for (const file of own.dataset[part].split(" ").filter(Boolean)) {
      const element = document.createElement("script");
      element.src = `data/${file}`;
      element.async = true;
      element.dataset.early = "";
      element.onload = element.onerror = () => element.remove();
      document.head.append(element);
    }
  }
})(document.currentScript);
