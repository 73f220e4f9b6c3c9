// `make picture`: node docs/render_picture.mjs SOURCE.d2 TARGET.svg, with @terrastruct/d2 in .local/picture.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const { D2 } = await import(pathToFileURL(resolve(".local/picture/node_modules/@terrastruct/d2/dist/node-esm/index.js")));
const [source, target] = process.argv.slice(2);
const text = readFileSync(source, "utf8");

const d2 = new D2();
const { diagram, renderOptions } = await d2.compile(text);
const svg = await d2.render(diagram, renderOptions);
// By this a test tells that the picture is the source's.
const mark = `<metadata>sha256 of its source: ${createHash("sha256").update(text).digest("hex")}</metadata>`;
writeFileSync(target, svg.replace(/<svg[^>]*>/, `$&${mark}`) + "\n");
process.exit(); // its worker would stay
