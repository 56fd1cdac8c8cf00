// The page: which view, which model, and what the controls do. The fragment of the address is the state.
import { fromBase64, get, isSuperseded, post, takeToken, toBase64 } from "./api.js";
import { Completions } from "./complete.js";
import { Easel } from "./easel.js";
import { Fields } from "./fields.js";
import { copyLink } from "./files.js";
import { fromPicture, imageSize, toHex, toLevel } from "./pixels.js";
import { Thoughts } from "./think.js";
import { Training } from "./training.js";
import { Wall } from "./wall.js";

const $ = (id) => document.getElementById(id);
const views = ["paint", "samples", "training"];
const LINKED = 16384; // pixels' bytes that a link may carry

let models = [], model = null, view = "paint";

function trouble(error) {
  $("trouble").textContent = error.message;
  $("trouble").hidden = false;
  clearTimeout(trouble.timer);
  trouble.timer = setTimeout(() => { $("trouble").hidden = true; }, 12000);
}

const number = (id) => Math.min(Math.max(Number($(id).value) || 0, Number($(id).min)), Number($(id).max || Infinity));
const settings = (where) => ({ count: Math.round(number(`${where}-count`)), seed: Math.round(number(`${where}-seed`)),
  temperature: number(`${where}-temperature`) });

// ----------------------------------------------------------------------------------------- parts

const easel = new Easel($("picture"), { onChange: changed, onLook: look, onPin: pin });
const completions = new Completions($("completions"), $("completions-time"), {
  onTrouble: trouble,
  onKeep(image) {
    easel.known.fill(1);
    easel.setImage(image);
  },
});
const thoughts = new Thoughts({ onTrouble: trouble, onLook: look, onPin: pin });
const fields = new Fields({ onTrouble: trouble });
const wall = new Wall($("wall"), $("wall-state"), {
  onTrouble: trouble,
  onTake(image) {
    easel.setImage(image);
    showView("paint");
  },
});
const training = new Training({ onTrouble: trouble });

function look(at) {
  thoughts.look(at);
}

function pin(at) {
  thoughts.look(at);
  measure();
}

function changed() {
  completions.restart(model, easel, settings("paint"));
  thoughts.consider(model, easel.image, thoughts.at);
  showOrder();
}

function showOrder() {
  const stages = model.stages.length;
  $("order").hidden = !easel.late;
  $("order").textContent = `The model draws ${stages > 1 ? `its ${stages} scales one after the other, each ` : ""}in raster ` +
    "order, so a pixel is guided by what is above it, or to its left in its row. Striped pixels are known, but come too " +
    "late to guide (some of) the unknown ones.";
}

function measure() {
  const { at } = thoughts;
  const same = (other) => ["height", "width", "channels", "levels", "palette"].every((key) => `${other[key]}` === `${model[key]}`);
  thoughts.look(at);
  fields.measure(models.filter(same), easel.image, at);
}

// ----------------------------------------------------------------------------------------- state

function fragment() {
  return new URLSearchParams(location.hash.slice(1));
}

// What the address says, with the picture in a link that is copied.
function describe(withPicture) {
  const state = new URLSearchParams({ view });
  if (view !== "training" && model) {
    const now = settings(view === "samples" ? "wall" : "paint");
    state.set("model", model.name);
    Object.entries(now).forEach(([key, value]) => state.set(key, value));
    if (withPicture && view === "paint" && easel.image.length <= LINKED) {
      state.set("image", toBase64(easel.image));
      state.set("known", toBase64(easel.known));
    }
  }
  return "#" + state;
}

function remember() {
  history.replaceState(null, "", describe(false));
}

function link() {
  history.replaceState(null, "", describe(true));
  return location.href;
}

async function restore() {
  const state = fragment();
  const found = models.find((one) => one.name === state.get("model")) || model || models[0];
  const where = state.get("view") === "samples" ? "wall" : "paint";
  for (const key of ["count", "seed", "temperature"]) {
    if (state.get(key)) {
      $(`${where}-${key}`).value = state.get(key);
    }
  }
  if (found !== model) {
    await chooseModel(found, state);
  } else if (found && !(state.get("image") && usePicture(state))) {
    changed();
  }
  showView(views.includes(state.get("view")) ? state.get("view") : models.length ? "paint" : "training");
}

function showView(name) {
  view = name;
  for (const one of views) {
    $(one).hidden = one !== name;
    const entry = document.querySelector(`nav [data-view=${one}]`);
    if (one === name) {
      entry.setAttribute("aria-current", "page");
    } else {
      entry.removeAttribute("aria-current");
    }
  }
  if (name === "training") {
    training.start();
  } else {
    training.stop();
  }
  const asked = settings("wall"), same = ["count", "seed", "temperature"].every((key) => wall.settings?.[key] === asked[key]);
  if (name === "samples" && model && !(same && wall.drawing.shape === model)) {
    wall.draw(model, asked);
  }
  remember();
}

// ----------------------------------------------------------------------------------------- model

async function chooseModel(one, state) {
  model = one;
  $("model").value = one.name;
  easel.setModel(one);
  fields.clear();
  thoughts.at = { row: Math.floor(one.height / 2), column: Math.floor(one.width / 2) };
  const colour = one.channels === 3;
  $("colour-label").hidden = !colour;
  $("level-label").hidden = colour || one.levels === 2 || !!one.palette;
  $("invert").hidden = !!one.palette;
  showPalette(one.palette);
  $("brush").value = easel.brush = Math.max(1, Math.round(one.width / 14));
  setPen();
  if (state?.get("image") && usePicture(state)) {
    return;
  }
  await anotherSample();
  easel.past = [];
  hole("lower");
}

function usePicture(state) {
  try {
    const image = fromBase64(state.get("image")), known = fromBase64(state.get("known") || "");
    if (image.length !== easel.image.length || known.length !== easel.known.length ||
        image.some((level) => level >= model.levels)) {
      return false;
    }
    easel.known.set(known);
    easel.setImage(image);
    return true;
  } catch {
    return false;
  }
}

// A colour to choose is a radio button; the last one, as white is of greys, is chosen at first.
function showPalette(palette) {
  $("palette").hidden = $("palette-note").hidden = !palette;
  $("colours").replaceChildren(...(palette || []).map((rgb, level) => {
    const input = document.createElement("input"), colour = toHex(rgb);
    Object.assign(input, { type: "radio", name: "palette", value: level, title: colour, checked: level === palette.length - 1 });
    input.setAttribute("aria-label", `Colour ${level}, ${colour}`);
    input.style.backgroundColor = colour;
    return input;
  }));
}

function setPen() {
  if (model.palette) {
    easel.value = [Number(document.querySelector("input[name=palette]:checked").value)];
  } else if (model.channels === 3) {
    easel.setColour($("colour").value);
  } else {
    easel.value = [model.levels === 2 ? 1 : toLevel(Number($("level").value), model.levels)];
  }
}

async function anotherSample() {
  const mine = model;
  anotherSample.seed = (anotherSample.seed || 0) + 1;
  try {
    const answer = await post("sample", { model: model.name, count: 1, seed: anotherSample.seed }, { lane: "example" });
    if (mine === model) {
      easel.setImage(fromBase64(answer.images));
    }
  } catch (error) {
    if (!isSuperseded(error)) {
      trouble(error);
    }
  }
}

function hole(which) {
  const { height, width } = model;
  easel.setHole({
    lower: (row) => row >= height / 2,
    right: (row, column) => column >= width / 2,
    centre: (row, column) => Math.abs(row + 0.5 - height / 2) < height / 4 && Math.abs(column + 0.5 - width / 2) < width / 4,
    all: () => true,
    none: () => false,
  }[which]);
}

// -------------------------------------------------------------------------------------- pictures

async function usePictureFile(file) {
  if (!file || !model) {
    return;
  }
  try {
    const picture = await createImageBitmap(file);
    easel.setImage(fromPicture(picture, model));
  } catch {
    trouble(new Error(`${file.name || "What was pasted"} is no picture that this browser can read.`));
  }
}

function listenForPictures() {
  $("file").addEventListener("change", (event) => {
    usePictureFile(event.target.files[0]);
    event.target.value = "";
  });
  document.addEventListener("paste", (event) => usePictureFile(event.clipboardData.files[0]));
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    $("picture").classList.add("over");
  });
  document.addEventListener("dragleave", () => $("picture").classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    $("picture").classList.remove("over");
    usePictureFile(event.dataTransfer.files[0]);
  });
}

// -------------------------------------------------------------------------------------- controls

function onClick(id, work) {
  $(id).addEventListener("click", work);
}

function listen() {
  document.querySelectorAll("input[name=tool]").forEach((input) => {
    input.addEventListener("change", () => { easel.tool = input.value; });
  });
  document.querySelectorAll("[data-hole]").forEach((button) => {
    button.addEventListener("click", () => hole(button.dataset.hole));
  });
  $("brush").addEventListener("input", () => { easel.brush = Number($("brush").value); });
  $("level").addEventListener("input", setPen);
  $("colour").addEventListener("input", setPen);
  $("palette").addEventListener("change", setPen);
  onClick("another", anotherSample);
  onClick("invert", () => easel.invert());
  onClick("clear", () => easel.setImage(new Uint8Array(imageSize(model))));
  onClick("undo", () => easel.undo());
  onClick("measure", measure);
  for (const id of ["paint-count", "paint-seed", "paint-temperature"]) {
    $(id).addEventListener("input", () => { changed(); remember(); });
  }
  onClick("reseed", () => {
    $("paint-seed").value = settings("paint").seed + 1;
    changed();
    remember();
  });
  onClick("paint-link", () => copyLink($("paint-link"), link()));
}

function listenToWall() {
  const draw = () => { wall.draw(model, settings("wall")); remember(); };
  onClick("wall-draw", draw);
  onClick("wall-next", () => {
    $("wall-seed").value = settings("wall").seed + 1;
    draw();
  });
  onClick("wall-stop", () => wall.stop());
  onClick("wall-png", () => wall.png());
  onClick("wall-npy", () => wall.npy());
  onClick("wall-link", () => copyLink($("wall-link"), link()));
  for (const id of ["wall-count", "wall-seed", "wall-temperature"]) {
    $(id).addEventListener("change", draw);
  }
}

async function begin() {
  const state = fragment();
  takeToken(state);
  history.replaceState(null, "", "#" + state);
  const about = await get("models");
  models = about.models;
  $("version").textContent = about.version;
  $("model").replaceChildren(...models.map((one) => {
    const kind = one.palette ? `${one.levels} colours` : `${one.channels === 3 ? "colour" : "grey"}, ${one.levels} levels`;
    return new Option(`${one.name} (${one.height} × ${one.width}, ${kind})`, one.name);
  }));
  document.querySelector(".model").hidden = !models.length;
  for (const entry of document.querySelectorAll("nav a")) {
    entry.hidden = !models.length && entry.dataset.view !== "training";
    entry.addEventListener("click", (event) => {
      event.preventDefault();
      showView(entry.dataset.view);
    });
  }
  $("model").addEventListener("change", async () => {
    await chooseModel(models.find((one) => one.name === $("model").value));
    showView(view);
  });
  listen();
  listenToWall();
  listenForPictures();
  await restore();
  addEventListener("hashchange", restore);
  document.body.dataset.ready = "yes";
}

begin().catch(trouble);
