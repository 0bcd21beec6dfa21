// Judges each corpus in WebAssembly and compares the answers with this machine's, byte by byte:
// node compare.mjs MODULE FOLDER CORPUS...
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";

const MAX_BYTES = 1_000_000;
const [path, folder, ...corpora] = process.argv.slice(2);
const bytes = readFileSync(path);
const module = new WebAssembly.Module(bytes);

function fail(what) {
    console.error(what);
    process.exit(1);
}

// No clock, no random numbers, no file, no thread: there is nobody to ask.
const imports = WebAssembly.Module.imports(module);
if (imports.length > 0) fail(`the module imports ${imports.map(({ module, name }) => `${module}.${name}`).join(", ")}`);
console.log(`${bytes.length} bytes, ${gzipSync(bytes).length} compressed, no imports`);
if (bytes.length > MAX_BYTES) fail(`more than ${MAX_BYTES} bytes`);

const { memory, mailping_room, mailping_places, mailping_judge, mailping_answers } = new WebAssembly.Instance(module, {}).exports;

function put(content) {
    // Addresses are unsigned, and memory moves as it grows.
    const at = mailping_room(content.length) >>> 0;
    new Uint8Array(memory.buffer, at, content.length).set(content);
}

put(readFileSync(join(folder, "places.mmdb")));
mailping_places();
let lines = 0;
for (const corpus of corpora) {
    const name = basename(corpus, ".jsonl");
    put(readFileSync(corpus));
    const length = mailping_judge() >>> 0;
    const answers = Buffer.from(memory.buffer, mailping_answers() >>> 0, length);
    const native = readFileSync(join(folder, `${name}.txt`));
    const [ours, theirs] = [answers, native].map((text) => text.toString().split("\n").slice(0, -1));
    const different = theirs.findIndex((line, index) => line !== ours[index]);
    if (different >= 0) fail(`${name}: natively ${theirs[different]}\nin WebAssembly ${ours[different]}`);
    if (theirs.length === 0 || !answers.equals(native)) fail(`${name}: ${ours.length} answers, natively ${theirs.length}`);
    console.log(`${name}: ${theirs.length} answers, 0 differences`);
    lines += theirs.length;
}
if (lines === 0) fail("no corpus was judged");
console.log(`${lines} answers to ${corpora.length} corpora, 0 differences`);
