// Ends of logs and YAML texts in the page of a task.
// The rule: text only, through `d.terminal`; colours that a program chose are moved until they can be read on this
// ground, light or dark; a long line is cut and says so.
(function (d) {
  "use strict";

  const MAX_LINE = 4000;

  const hexOf = (name) => {
    const found = d.colour(name);
    return /^#[0-9a-f]{6}$/i.test(found)
      ? found
      : /^#[0-9a-f]{3}$/i.test(found)
        ? `#${[...found.slice(1)].map((each) => each + each).join("")}`
        : "#808080";
  };

  function paint(span, style) {
    const [fg, bg] = style.inverse ? [style.bg, style.fg] : [style.fg, style.bg];
    const classes = [];
    for (const [name, on] of Object.entries({
      bold: style.bold,
      faint: style.dim,
      italic: style.italic,
      under: style.under,
      strike: style.strike,
    })) {
      if (on) classes.push(`sgr-${name}`);
    }
    if (style.inverse && !style.fg && !style.bg) classes.push("sgr-inverse");
    if (bg.startsWith("ansi")) classes.push(`bg-${bg}`);
    if (fg.startsWith("ansi")) classes.push(`fg-${fg}`);
    if (bg.startsWith("#")) {
      span.style.backgroundColor = bg;
      span.style.color = d.luminance(bg) > 0.3 ? "#000000" : "#ffffff";
    }
    if (fg.startsWith("#")) {
      const ground = bg.startsWith("#") ? bg : hexOf("code");
      span.style.color = bg.startsWith("ansi")
        ? fg
        : d.readable(fg, ground, d.luminance(ground) > 0.3 ? "#000000" : "#ffffff");
    }
    span.className = classes.join(" ");
  }

  const plainStyle = (style) =>
    !style.fg &&
    !style.bg &&
    !style.bold &&
    !style.dim &&
    !style.italic &&
    !style.under &&
    !style.strike &&
    !style.inverse;

  function lineNodes(runs) {
    const nodes = [];
    let length = 0;
    for (const run of runs) {
      if (length >= MAX_LINE) {
        nodes.push(d.h("i", { class: "sign" }, "…"));
        break;
      }
      const text = run.text.slice(0, MAX_LINE - length);
      length += run.text.length;
      if (plainStyle(run.style)) nodes.push(...d.visible(text));
      else {
        const span = d.h("span", {}, d.visible(text));
        paint(span, run.style);
        nodes.push(span);
      }
    }
    return nodes;
  }

  /** A log as a terminal would have left it. */
  d.terminalNodes = (text) => d.terminal(text).flatMap((runs, index) => [...(index ? ["\n"] : []), ...lineNodes(runs)]);

  d.terminalText = (text) =>
    d
      .terminal(text)
      .map((runs) => runs.map((run) => run.text).join(""))
      .join("\n");

  /** One line of others without what steers a terminal. */
  d.bare = (text) => (/[\u001b\u009b\r\b]/.test(text) ? d.terminalText(text) : text);

  /** stdout or stderr: end of the log, its size, the way to all of it.  log: {bytes, tail} or null. */
  d.logPane = (label, key, log, address) => {
    const tail = log ? log.tail : "";
    const size = new TextEncoder().encode(tail).length;
    const cut = log && d.known(log.bytes) && log.bytes > size + 16;
    const words =
      !log || !d.known(log.bytes)
        ? "is not there, or not for everybody"
        : log.bytes === 0 && !tail
          ? "empty"
          : cut
            ? `the last ${d.size(size)} of ${d.size(log.bytes)}`
            : d.size(log.bytes);
    const links = d.h("a", { href: address }, "whole file");
    return d.h(
      "section",
      { class: tail ? "log" : "log empty", "data-key": key },
      d.h(
        "h3",
        {},
        label,
        " ",
        d.h("small", {}, words),
        " ",
        log && log.bytes ? links : null,
        tail ? d.copyButton(d.terminalText(tail), "Copy", label) : null,
      ),
      tail
        ? d.h(
            "pre",
            { tabindex: "0", role: "region", "aria-label": `${label}, the end`, "data-tail": key },
            d.terminalNodes(tail),
          )
        : null,
    );
  };

  /** YAML with its keys and comments told apart. */
  d.yamlNodes = (text) =>
    text
      .replace(/\n$/, "")
      .split("\n")
      .flatMap((line, index) => {
        const nodes = index ? ["\n"] : [];
        const found = /^(\s*(?:- )?)([A-Za-z_][\w .-]*)(:)(\s|$)(.*)$/s.exec(line);
        if (/^\s*#/.test(line)) nodes.push(d.h("span", { class: "yaml-comment" }, d.visible(line)));
        else if (found)
          nodes.push(
            found[1],
            d.h("span", { class: "yaml-key" }, d.visible(found[2])),
            found[3] + found[4],
            ...d.visible(found[5]),
          );
        else nodes.push(...d.visible(line));
        return nodes;
      });

  d.textPane = (title, text, open = false) =>
    d.h(
      "details",
      { class: "text", "data-key": title, open },
      d.h("summary", {}, title),
      d.copyButton(text, "Copy", title),
      d.h("pre", { tabindex: "0", role: "region", "aria-label": title }, d.yamlNodes(text)),
    );
})(globalThis.dsgspool);
