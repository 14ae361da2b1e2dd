// Loads parts of the pages' script into this process, as the page would: in the order of their names, into one namespace.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runInThisContext } from "node:vm";

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), "../../../reports/js");

/** The namespace, with the files whose names begin with these numbers. */
export function load(...numbers) {
  for (const name of readdirSync(FOLDER).sort()) {
    if (name.endsWith(".js") && ["00", ...numbers].some((number) => name.startsWith(number))) {
      runInThisContext(readFileSync(join(FOLDER, name), "utf8"), { filename: name });
    }
  }
  return globalThis.dsgspool;
}
