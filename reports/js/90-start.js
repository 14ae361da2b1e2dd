// The beginning: called once, when the first page file has run.
// The rule: each part starts by itself; one that fails leaves the sections readable.
(function (d) {
  "use strict";

  d.start = () => {
    for (const start of [d.startCopy, d.startAge, d.startSince, d.startRefresh, d.startPlots, d.startRouter]) {
      try {
        if (start) start();
      } catch (error) {
        setTimeout(() => {
          throw error;
        }, 0); // told to the console; the others go on
      }
    }
  };
})(globalThis.dsgspool);
