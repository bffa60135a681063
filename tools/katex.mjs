// Renders formulas: a JSON list of {tex, display} on stdin, a list of {html} or {error} on stdout, in the same order.
// Strict: what KaTeX would merely warn of is an error.
import { readFileSync } from "node:fs";
import katex from "katex";

const rendered = JSON.parse(readFileSync(0, "utf8")).map(({ tex, display }) => {
  try {
    return { html: katex.renderToString(tex, { displayMode: display, strict: "error", trust: false }) };
  } catch (error) {
    return { error: error.message };
  }
});
process.stdout.write(JSON.stringify(rendered));
