// The page: takes a picture, lets the net label it, and shows the labels.

import { Camera } from "./camera.js";
import { fit, resized } from "./fit.js";
import { Legend, sharesOf } from "./legend.js";
import { Net } from "./net.js";
import { indexedPng } from "./png.js";
import { View } from "./view.js";

const element = (id) => document.getElementById(id);
const view = new View();
const camera = new Camera();
let config, net, legend, found;
let turn = 0;

function state(name, text) {
  document.documentElement.dataset.state = name;
  element("status").textContent = text;
}

function problem(text) {
  element("problem").textContent = text;
  element("problem").hidden = !text;
}

async function start() {
  if (typeof WebAssembly !== "object") throw new Error("This browser does not support WebAssembly.");
  const response = await fetch("page.json").catch(() => null);
  if (!response?.ok) throw new Error("page.json, which describes this page's net, is missing.");
  config = await response.json();
  legend = new Legend(element("legend"), config, paint);
  state("loading", "Loading the net …");
  net = new Net(config, (bytes) => state("loading", `Loading the net: ${megabytes(bytes)} …`));
  await net.ready;
  const [height, width] = config.size;
  element("facts").textContent =
    `The net takes ${width} × ${height} pixels; larger pictures are shrunk to that size.`;
  for (const id of ["file", "camera"]) element(id).disabled = false;
  state("ready", "Ready.");
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

async function showFile(file) {
  if (!net || !file || element("file").disabled) return;
  stopCamera();
  const mine = ++turn;
  problem("");
  state("busy", "Reading the picture …");
  let picture;
  try {
    picture = await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch {
    if (mine === turn) {
      state(found ? "done" : "ready", "");
      problem(`${file.name || "This"} is not a picture that this browser can read.`);
    }
    return;
  }
  if (mine === turn) await show(picture, file.name, mine, true);
}

async function show(picture, name, mine, alone) {
  const input = fit(picture, config.size, config.padding_pixel);
  const { rows, columns } = input;
  if (alone) {
    view.show(picture);
    view.clear();
    found = null;
    element("download").disabled = true;
    state("busy", "Segmenting …");
  }
  const { labels, milliseconds } = await net.segment(input);
  if (mine !== turn) return;
  if (!alone) view.show(picture);
  const { height, width } = picture;
  found = { labels, rows, columns, height, width, name };
  const shares = sharesOf(labels, config.names.length);
  legend.show(shares, alone);
  paint();
  view.describe(`${name}: ${summaryOf(shares)}`);
  element("download").disabled = false;
  const size = scaled(found) ? `, shrunk to ${columns} × ${rows}` : "";
  const time = `${milliseconds.toFixed(0)} ms in the net`;
  state("done", `${width} × ${height} pixels${size}: ${time}`);
}

function scaled({ rows, columns, height, width }) {
  return rows !== height || columns !== width;
}

function summaryOf(shares) {
  const present = config.names.map((name, label) => [name, shares[label]]);
  return present
    .filter(([, share]) => share > 0)
    .sort((a, b) => b[1] - a[1])
    .map(([name, share]) => `${name} ${(100 * share).toFixed(1)} %`)
    .join(", ");
}

function paint() {
  if (found) view.paint(found, config.palette, legend.chosen);
}

async function startCamera() {
  problem("");
  const mine = ++turn;
  element("camera").disabled = true;
  try {
    await camera.run(async (video) => {
      if (mine !== turn) return stopCamera();
      cameraButton(true);
      await show(video, "camera", mine, false);
    });
  } catch (error) {
    stopCamera();
    if (mine === turn) problem(error.message);
  }
}

function stopCamera() {
  camera.stop();
  cameraButton(false);
}

function cameraButton(running) {
  element("camera").disabled = false;
  element("camera").textContent = running ? "Stop the camera" : "Start the camera";
  element("camera").setAttribute("aria-pressed", String(running));
  element("status").ariaLive = running ? "off" : "polite";
}

async function download() {
  const { name, height, width } = found;
  try {
    const png = await indexedPng(resized(found, height, width), height, width, config.palette);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(png);
    link.download = `${name.replace(/\.[^.]*$/, "") || "picture"}-labels.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch (error) {
    problem(`The labels could not be saved: ${error.message}.`);
  }
}

function showLabel(left, top) {
  if (left === null || !found) {
    element("pointed").textContent = "";
    return;
  }
  const { labels, rows, columns } = found;
  const row = Math.min(rows - 1, Math.max(0, Math.floor(top * rows)));
  const column = Math.min(columns - 1, Math.max(0, Math.floor(left * columns)));
  element("pointed").textContent = config.names[labels[row * columns + column]];
}

element("file").addEventListener("change", ({ target }) => {
  showFile(target.files[0]);
  target.value = "";
});
element("camera").addEventListener("click", () => {
  if (camera.running) {
    turn++;
    stopCamera();
  } else startCamera();
});
element("download").addEventListener("click", download);
element("opacity").addEventListener("input", ({ target }) => {
  element("percent").textContent = `${target.value} %`;
  element("stage").style.setProperty("--opacity", target.value / 100);
});
view.onPointer(showLabel);
document.addEventListener("paste", ({ clipboardData }) => showFile(clipboardData.files[0]));
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    element("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop") showFile(event.dataTransfer.files[0]);
  });
}
window.addEventListener("unhandledrejection", ({ reason }) => {
  state("failed", "");
  problem(reason?.message ?? String(reason));
});

start().catch((error) => {
  state("failed", "");
  problem(error.message);
});
