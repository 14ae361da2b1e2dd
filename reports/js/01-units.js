// Numbers as people read them: durations, sizes, moments, counts; and what people type as numbers.
// The rule: the same words as in the sections and on the command line (850 ms, 4 min 05 s, 3.4 MiB); moments in the
// reader's time zone; what is not known (NaN, null) is an empty text.
(function (d) {
  "use strict";

  const two = (number) => String(number).padStart(2, "0");
  const known = (value) => value !== null && value !== undefined && !Number.isNaN(value);

  d.known = known;

  d.duration = (seconds) => {
    if (!known(seconds)) return "";
    if (seconds < 0) return `-${d.duration(-seconds)}`;
    if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
    if (seconds < 59.95) return seconds < 9.95 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
    const whole = Math.round(seconds);
    if (whole < 600) return whole % 60 ? `${Math.floor(whole / 60)} min ${two(whole % 60)} s` : `${whole / 60} min`;
    const minutes = Math.round(seconds / 60);
    if (minutes < 60) return `${minutes} min`;
    const hours = Math.floor(minutes / 60);
    return hours < 48 ? `${hours} h ${two(minutes % 60)} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
  };

  /** The shortest form, for axes: 5 s, 10 min, 1.5 h. */
  d.short = (seconds) => {
    if (!known(seconds)) return "";
    const units = [
      [86400, "d"],
      [3600, "h"],
      [60, "min"],
      [1, "s"],
    ];
    const [unit, name] = units.find(([size]) => Math.abs(seconds) >= size) || [0.001, "ms"];
    return seconds === 0 ? "0" : `${Number((seconds / unit).toPrecision(2))} ${name}`;
  };

  d.size = (bytes) => {
    if (!known(bytes)) return "";
    let number = bytes;
    for (const unit of ["B", "KiB", "MiB", "GiB"]) {
      if (number < 1024) return `${unit === "B" ? Math.round(number) : number.toFixed(1)} ${unit}`;
      number /= 1024;
    }
    return `${number.toFixed(1)} TiB`;
  };

  d.count = (number) => (known(number) ? Math.round(number).toLocaleString("en") : "");

  d.many = (number, one, more) => `${d.count(number)} ${number === 1 ? one : more || `${one}s`}`;

  const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
  const valid = (milliseconds) => known(milliseconds) && Math.abs(milliseconds) < 8.64e15;

  /** 14:05 today, else 28 Nov 14:05, else 2025-11-28. */
  d.moment = (milliseconds, now = Date.now()) => {
    if (!valid(milliseconds)) return "";
    const date = new Date(milliseconds),
      today = new Date(now);
    const clock = `${two(date.getHours())}:${two(date.getMinutes())}`;
    if (date.toDateString() === today.toDateString()) return clock;
    const year = date.getFullYear();
    if (year !== today.getFullYear()) return `${year}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock}`;
    return `${date.getDate()} ${MONTHS[date.getMonth()]} ${clock}`;
  };

  /** 2026-11-28 14:05:33, to the second and in the reader's zone. */
  d.exact = (milliseconds, fraction = false) => {
    if (!valid(milliseconds)) return "";
    const date = new Date(milliseconds);
    const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
    const part = fraction ? `.${String(date.getMilliseconds()).padStart(3, "0")}` : "";
    return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}${part}`;
  };

  d.iso = (milliseconds) => (valid(milliseconds) ? new Date(milliseconds).toISOString() : "");

  const TIMES = { ms: 0.001, s: 1, sec: 1, m: 60, min: 60, h: 3600, d: 86400, w: 604800 };
  const SIZES = {
    b: 1,
    k: 2 ** 10,
    kb: 2 ** 10,
    m: 2 ** 20,
    mb: 2 ** 20,
    g: 2 ** 30,
    gb: 2 ** 30,
    t: 2 ** 40,
    tb: 2 ** 40,
    ki: 2 ** 10,
    kib: 2 ** 10,
    mi: 2 ** 20,
    mib: 2 ** 20,
    gi: 2 ** 30,
    gib: 2 ** 30,
    ti: 2 ** 40,
    tib: 2 ** 40,
  };

  /**
   * What somebody typed as a number: `10`, `1.5h`, `2G`, a date; NaN when it is none.  kind: seconds, bytes, moment,
   * number.
   */
  d.amount = (text, kind = "number", now = Date.now()) => {
    if (kind === "moment") return moment(text, now);
    const found = /^(-?[0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?)\s*([a-z]*)$/i.exec(text.trim());
    if (!found) return NaN;
    if (!found[2]) return Number(found[1]);
    const units = kind === "seconds" ? TIMES : kind === "bytes" ? SIZES : {};
    const unit = found[2].toLowerCase();
    return Object.hasOwn(units, unit) ? Number(found[1]) * units[unit] : NaN;
  };

  function moment(text, now) {
    if (/^[0-9]{11,14}$/.test(text)) return Number(text);
    const ago = /^-([0-9.]+)(s|m|min|h|d|w)$/i.exec(text);
    if (ago) return now - Number(ago[1]) * TIMES[ago[2].toLowerCase()] * 1000;
    const clock = /^([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?$/.exec(text);
    if (clock) return new Date(now).setHours(Number(clock[1]), Number(clock[2]), Number(clock[3] || 0), 0);
    const day = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text) ? `${text}T00:00` : text.replace(" ", "T");
    return /^[0-9]{4}-/.test(text) ? Date.parse(day) : NaN;
  }
})(globalThis.dsgspool);
