// Trainings that go on: their logs as curves, and what their models draw.
import { fromBase64, get, getText, post } from "./api.js";
import { imageSize, putImage } from "./pixels.js";

const $ = (id) => document.getElementById(id);
const EVERY = 2000, SAMPLES = 16;

export class Training {
  constructor({ onTrouble }) {
    this.onTrouble = onTrouble;
    this.runs = [];
    for (const id of ["axis", "target"]) {
      $(id).addEventListener("input", () => this.show());
    }
    addEventListener("resize", () => this.show());
  }

  start() {
    this.timer ||= setInterval(() => this.look(), EVERY);
    this.look();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
  }

  // Asks for what has changed alone.
  async look() {
    if (this.looking) {
      return;
    }
    this.looking = true;
    try {
      const { runs } = await get("runs");
      for (const [i, run] of runs.entries()) {
        await this.update(i, run);
      }
      this.show();
    } catch (error) {
      this.onTrouble(error);
    }
    this.looking = false;
  }

  async update(i, seen) {
    const run = (this.runs[i] ||= { log: null });
    run.name = seen.name;
    const log = seen["metrics.csv"], model = seen["model.safetensors"];
    if (log.changed && log.changed !== run.logChanged) {
      run.log = readLog(await getText(`runs/${i}/metrics.csv`));
      run.logChanged = log.changed;
    }
    if (model.changed && model.changed !== run.modelChanged) {
      run.modelChanged = model.changed;
      try {
        run.samples = await post("runs/samples", { run: i, count: SAMPLES, seed: 1 });
        run.why = "";
      } catch (error) {
        run.why = error.message;
      }
      showSamples(this.runs);
    }
  }

  show() {
    const drawn = this.runs.filter((run) => run.log?.rows.length);
    $("training-state").textContent = !this.runs.length ? "No run is watched: start with pixelrnn serve --run DIR."
      : drawn.length ? "" : "The log has no lines yet.";
    $("curves").replaceChildren(...(drawn.length ? [chart(this.runs, $("axis").value, Math.max($("curves").clientWidth, 300))] : []));
    $("run-table").hidden = !drawn.length;
    $("run-table").tBodies[0].replaceChildren(...this.runs.map((run, i) => tableRow(run, i, Number($("target").value))));
  }
}

// ------------------------------------------------------------------------------------------- log

// A line that is being written is not read yet.
export function readLog(text) {
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).trim().split(/\r?\n/);
  const names = lines[0].split(",").map((name) => name.replace(/"/g, ""));
  const unit = names.includes("train_bits_per_dim") ? "bits_per_dim" : "nats";
  const rows = lines.slice(1).map((line) => {
    const row = {};
    line.split(",").forEach((cell, i) => { row[names[i]] = cell === "" ? NaN : Number(cell); });
    return { ...row, train: row[`train_${unit}`], valid: row[`valid_${unit}`] };
  });
  return { unit: unit === "nats" ? "nats" : "bits/dim", rows };
}

function best(log) {
  return Math.min(...log.rows.map((row) => row.valid).filter(Number.isFinite));
}

function lastOf(log, key) {
  return log.rows.map((row) => row[key]).filter(Number.isFinite).pop();
}

// From the pace of the run so far.
export function remaining(log, target) {
  const last = log.rows[log.rows.length - 1];
  const seconds = ((target - last.epoch) * last.seconds) / last.epoch;
  if (!(target > last.epoch) || !Number.isFinite(seconds)) {
    return "–";
  }
  const minutes = Math.ceil(seconds / 60);
  return seconds < 90 ? `${Math.max(Math.ceil(seconds), 1)} s` : minutes < 120 ? `${minutes} min`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function tableRow(run, i, target) {
  const row = document.createElement("tr"), log = run.log;
  const fixed = (value) => (Number.isFinite(value) ? value.toFixed(log.unit === "nats" ? 2 : 4) : "–");
  const cells = log?.rows.length ? [fixedEpoch(lastOf(log, "epoch")), lastOf(log, "step"), fixed(lastOf(log, "train")),
    fixed(lastOf(log, "valid")), fixed(best(log)), lastOf(log, "images_per_second")?.toFixed(1) ?? "–",
    remaining(log, target)] : ["–", "–", "–", "–", "–", "–", "–"];
  const name = row.insertCell(), dot = document.createElement("span");
  dot.className = `dot run-${i}`;
  name.append(dot, run.name);
  for (const text of cells) {
    row.insertCell().textContent = text;
  }
  return row;
}

function fixedEpoch(epoch) {
  return epoch.toFixed(2);
}

// ----------------------------------------------------------------------------------------- chart

const TALL = 340, LEFT = 52, RIGHT = 16, TOP = 14, BOTTOM = 40;

function svg(name, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, value);
  }
  if (text !== undefined) {
    element.textContent = text;
  }
  return element;
}

// Numbers at 1, 2 or 5 times a power of ten.
export function ticks(low, high, most = 6) {
  const rough = (high - low) / most || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const all = [];
  for (let i = Math.ceil(low / step); i * step <= high + step * 1e-9; i++) {
    all.push(Number((i * step).toPrecision(10)));
  }
  return all;
}

// From the lowest value to the highest after the first tenth, so that the beginning does not squeeze the rest.
function range(runs, axis) {
  const values = [];
  let right = 0;
  for (const run of runs.filter((one) => one.log?.rows.length)) {
    const { rows } = run.log, late = rows.slice(Math.floor(rows.length / 10));
    values.push(...late.flatMap((row) => [row.train, row.valid]).filter(Number.isFinite));
    right = Math.max(right, rows[rows.length - 1][axis]);
  }
  const low = Math.min(...values), high = Math.max(...values), room = (high - low) * 0.05 || 1;
  return { low: low - room, high: high + room, right };
}

// As wide as there is room, so that its words are as large as others.
function chart(runs, axis, wide) {
  const { low, high, right } = range(runs, axis);
  const x = (value) => LEFT + (value / right) * (wide - LEFT - RIGHT);
  const y = (value) => TOP + ((high - Math.min(value, high)) / (high - low)) * (TALL - TOP - BOTTOM);
  const picture = svg("svg", { viewBox: `0 0 ${wide} ${TALL}`, role: "img" });
  picture.append(svg("title", {}, "Negative log-likelihood during training, lower is better"));
  for (const value of ticks(low, high)) {
    picture.append(svg("line", { class: "grid", x1: LEFT, x2: wide - RIGHT, y1: y(value), y2: y(value) }),
      svg("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, value));
  }
  for (const value of ticks(0, right, wide / 120)) {
    picture.append(svg("text", { x: x(value), y: TALL - BOTTOM + 18, "text-anchor": "middle" }, value));
  }
  const unit = runs.find((run) => run.log?.rows.length).log.unit;
  picture.append(svg("text", { x: wide - RIGHT, y: TALL - 4, "text-anchor": "end" }, axis),
    svg("text", { x: LEFT, y: TALL - 4 }, `${unit}: validation thick, training thin`));
  runs.forEach((run, i) => {
    for (const which of ["train", "valid"]) {
      const points = (run.log?.rows || []).filter((row) => Number.isFinite(row[which]));
      const path = points.map((row, n) => `${n ? "L" : "M"}${x(row[axis]).toFixed(1)} ${y(row[which]).toFixed(1)}`);
      const line = svg("path", { class: `${which} line-${i}`, d: path.join(""), stroke: `var(--run-${i})` });
      picture.append(line);
    }
  });
  return picture;
}

// --------------------------------------------------------------------------------------- samples

function showSamples(runs) {
  $("run-samples").replaceChildren(...runs.map((run, i) => {
    const card = document.createElement("div"), title = document.createElement("h3"), dot = document.createElement("span");
    card.className = "card";
    dot.className = `dot run-${i}`;
    title.append(dot, `Samples of ${run.name}`);
    card.append(title);
    if (run.samples) {
      const canvas = document.createElement("canvas");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `Samples of the model that ${run.name} has saved last`);
      paintSheet(canvas, run.samples);
      card.append(canvas);
    }
    const note = document.createElement("p");
    note.className = "note";
    note.textContent = run.why || (run.samples ? `Of the model saved at ${new Date(run.modelChanged * 1000).toLocaleTimeString()}.`
      : "No model is saved yet.");
    card.append(note);
    return card;
  }));
}

function paintSheet(canvas, samples) {
  const columns = 8, images = fromBase64(samples.images), size = imageSize(samples);
  canvas.width = columns * (samples.width + 1) - 1;
  canvas.height = Math.ceil(samples.count / columns) * (samples.height + 1) - 1;
  const context = canvas.getContext("2d"), data = context.createImageData(canvas.width, canvas.height);
  for (let i = 0; i < samples.count; i++) {
    putImage(data, images.subarray(i * size, (i + 1) * size), samples, (i % columns) * (samples.width + 1),
      Math.floor(i / columns) * (samples.height + 1));
  }
  context.putImageData(data, 0, 0);
  canvas.style.width = `${canvas.width * Math.max(1, Math.floor(520 / canvas.width))}px`;
}
