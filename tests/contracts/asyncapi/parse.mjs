// Parses an AsyncAPI document with the official parser and prints its errors as JSON; exit status 1 when there are any.
// usage: node parse.mjs FOLDER_WITH_NODE_MODULES DOCUMENT
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [folder, path] = process.argv.slice(2);
const { Parser } = createRequire(`${folder}/package.json`)("@asyncapi/parser");
const { document, diagnostics } = await new Parser().parse(readFileSync(path, "utf8"));
const errors = diagnostics.filter(({ severity }) => severity === 0);
const shown = (errors.length ? errors : diagnostics).map(({ code, message, path: at }) => ({ code, message, at }));
console.log(JSON.stringify({ parsed: document !== undefined, errors: errors.length, diagnostics: shown }));
process.exit(errors.length || document === undefined ? 1 : 0);
