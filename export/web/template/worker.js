// Loads LiteRT.js and the net, and labels pixels, in a worker, so that the page stays responsive.

const SPECIFIER = '"@litertjs/wasm-utils"';
let config, site, core, net;

self.onmessage = async ({ data }) => {
  try {
    const [answer, moved] = data.config ? await load(data) : await segment(data);
    self.postMessage({ ...answer, number: data.number }, moved);
  } catch (error) {
    self.postMessage({ problem: error.message || String(error), number: data.number });
  }
};

async function load(given) {
  ({ config, site } = given);
  const model = fetchModel();
  model.catch(() => {});
  const start = performance.now();
  core = await import(await address("core.js"));
  const relaxed = await core.supportsFeature("relaxedSimd");
  const kind = relaxed ? "litert_wasm_internal" : "litert_wasm_compat_internal";
  const wasm = await address(`${kind}.wasm`);
  self.Module = { locateFile: () => wasm, print: console.debug, printErr: say };
  const script = await address(`${kind}.js`);
  const bytes = await model;
  try {
    await core.loadLiteRt(`${script}#.js`);
    net = await core.loadAndCompile(bytes, { accelerator: "wasm" });
  } catch (error) {
    throw new Error(`This browser cannot run the net: ${error.message || error}`);
  }
  return [{ milliseconds: performance.now() - start, kind }, []];
}

function say(line) {
  (line.startsWith("INFO") ? console.debug : console.warn)(line);
}

// Returns the address of a file of the runtime. A file from the CDN is fetched with its hash, which
// the browser checks, and becomes a blob: the policy allows nothing else to run.
async function address(name) {
  const { url, integrity } = config.runtime[name];
  if (!integrity) return new URL(url, site).href;
  const response = await fetch(url, { integrity, referrerPolicy: "no-referrer" }).catch(() => null);
  if (!response?.ok) {
    throw new Error(`${url} could not be loaded, or is not the file that this page was made for.`);
  }
  if (name.endsWith(".wasm")) return blobOf(await response.arrayBuffer(), "application/wasm");
  let text = await response.text();
  if (text.includes(SPECIFIER)) {
    text = text.replace(SPECIFIER, JSON.stringify(await address("wasm-utils.js")));
  }
  return blobOf(text, "text/javascript");
}

function blobOf(content, type) {
  return URL.createObjectURL(new Blob([content], { type }));
}

async function fetchModel() {
  const response = await fetch(new URL(config.model, site)).catch(() => null);
  if (!response?.ok) {
    const why = response ? `the server answers ${response.status}` : "the server does not answer";
    throw new Error(`The net, ${config.model}, could not be loaded: ${why}.`);
  }
  const parts = [];
  let loaded = 0;
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(await new Blob(parts).arrayBuffer());
    parts.push(value);
    loaded += value.length;
    self.postMessage({ loaded });
  }
}

async function segment({ pixels, rows, columns }) {
  const [height, width] = config.size;
  const input = new core.Tensor(withoutAlpha(pixels), [1, height, width, 3]);
  const start = performance.now();
  const [output] = await net.run([input]);
  const logits = await output.data();
  const milliseconds = performance.now() - start;
  const labels = highest(logits, config.names.length, width, rows, columns);
  input.delete();
  output.delete();
  return [{ labels, milliseconds }, [labels.buffer]];
}

function withoutAlpha(rgba) {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    rgb[to++] = rgba[from];
    rgb[to++] = rgba[from + 1];
    rgb[to++] = rgba[from + 2];
  }
  return rgb;
}

// Returns the class of the highest logit for each pixel of the picture; the first of equals.
function highest(logits, classes, width, rows, columns) {
  const labels = new Uint8Array(rows * columns);
  for (let row = 0, pixel = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, pixel++) {
      const first = (row * width + column) * classes;
      let best = 0;
      for (let label = 1; label < classes; label++) {
        if (logits[first + label] > logits[first + best]) best = label;
      }
      labels[pixel] = best;
    }
  }
  return labels;
}
