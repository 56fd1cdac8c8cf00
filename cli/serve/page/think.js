// What the model thinks of the picture: the cost of each pixel, and what it expected of one.
import { isSuperseded, post, toBase64 } from "./api.js";
import { heatColour, toHex } from "./pixels.js";

const $ = (id) => document.getElementById(id);
const colours = ["#e5484d", "#30a46c", "#3e8bff"], names = ["Red", "Green", "Blue"];

// Requests one after the other: while one is under way only the newest of the others waits.
class Latest {
  constructor(ask) {
    this.ask = ask;
  }

  async want(what) {
    this.next = what;
    if (this.busy) {
      return;
    }
    this.busy = true;
    while (this.next) {
      const now = this.next;
      this.next = null;
      await this.ask(now);
    }
    this.busy = false;
  }
}

export class Thoughts {
  constructor({ onTrouble, onLook, onPin }) {
    this.onTrouble = onTrouble;
    this.values = new Latest((what) => this.askValues(what));
    this.distribution = new Latest((what) => this.askDistribution(what));
    this.pointing(onLook, onPin);
  }

  async guarded(work) {
    try {
      await work();
    } catch (error) {
      if (!isSuperseded(error)) {
        this.onTrouble(error);
      }
    }
  }

  // Of this picture, and of the pixel that is looked at.
  consider(model, image, at) {
    this.model = model;
    this.image = image.slice();
    this.values.want({ model, image: this.image });
    if (at) {
      this.look(at);
    }
  }

  look(at) {
    this.at = at;
    this.distribution.want({ model: this.model, image: this.image, at });
    this.paintHeat();
  }

  askValues({ model, image }) {
    return this.guarded(async () => {
      const answer = await post("values", { model: model.name, image: toBase64(image) }, { lane: "values" });
      if (model === this.model) {
        this.answer = answer;
        this.showScore();
        this.paintHeat();
      }
    });
  }

  showScore() {
    const { nats, bits_per_dim: perDim } = this.answer, bits = nats / Math.LN2;
    const binary = this.model.levels === 2;
    $("score").textContent = binary ? `${nats.toFixed(2)} nats` : `${perDim.toFixed(3)} bits/dim`;
    $("score-other").textContent = `${binary ? `${perDim.toFixed(4)} bits/dim` : `${nats.toFixed(1)} nats`}, ` +
      `${bits.toFixed(1)} bits, ${Math.ceil(bits / 8)} bytes`;
    Object.assign($("score").dataset, { nats, perDim });
  }

  // ----------------------------------------------------------------------------------- heat map

  paintHeat() {
    const canvas = $("heat"), { height, width, channels } = this.model;
    const zoom = Math.max(1, Math.floor(480 / Math.max(width, height)));
    if (!this.answer || this.answer.values.length !== height * width * channels) {
      return;
    }
    if (canvas.width !== width * zoom) {
      canvas.width = width * zoom;
      canvas.height = height * zoom;
    }
    const bits = sumChannels(this.answer.values, channels), context = canvas.getContext("2d");
    const most = Math.max(scaleOf(bits), 1e-3);
    bits.forEach((value, i) => {
      context.fillStyle = `rgb(${heatColour(value / most).join(" ")})`;
      context.fillRect((i % width) * zoom, Math.floor(i / width) * zoom, zoom, zoom);
    });
    $("heat-max").textContent = most >= 10 ? most.toFixed(0) : most.toFixed(1);
    canvas.dataset.bits = JSON.stringify(bits);
    if (this.at) {
      context.lineWidth = Math.max(1.5, zoom / 6);
      context.strokeStyle = "#6ee7ff";
      context.strokeRect(this.at.column * zoom, this.at.row * zoom, zoom, zoom);
    }
  }

  pointing(onLook, onPin) {
    const canvas = $("heat");
    const place = (event) => {
      const box = canvas.getBoundingClientRect(), { height, width } = this.model;
      return { row: Math.min(height - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * height))),
        column: Math.min(width - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * width))) };
    };
    canvas.addEventListener("pointermove", (event) => onLook(place(event)));
    canvas.addEventListener("click", (event) => onPin(place(event)));
    canvas.addEventListener("keydown", (event) => {
      const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
      const at = this.at || { row: 0, column: 0 }, move = moves[event.key];
      if (move) {
        event.preventDefault();
        onLook({ row: Math.min(this.model.height - 1, Math.max(0, at.row + move[0])),
          column: Math.min(this.model.width - 1, Math.max(0, at.column + move[1])) });
      } else if (event.key === "Enter") {
        onPin(at);
      }
    });
  }

  // ------------------------------------------------------------------------------ distributions

  askDistribution({ model, image, at }) {
    return this.guarded(async () => {
      const answer = await post("distribution", { model: model.name, image: toBase64(image), row: at.row,
        column: at.column }, { lane: "distribution" });
      if (model === this.model && at === this.at) {
        this.showDistributions(answer, model.palette);
      }
    });
  }

  showDistributions(answer, palette) {
    $("pixel").textContent = `Pixel at row ${answer.row}, column ${answer.column}`;
    const place = $("distributions");
    while (place.children.length > answer.channels.length) {
      place.lastChild.remove();
    }
    while (place.children.length < answer.channels.length) {
      const block = document.createElement("div");
      block.append(document.createElement("p"), document.createElement("canvas"));
      block.lastChild.setAttribute("role", "img");
      place.append(block);
    }
    answer.channels.forEach((channel, k) => showChannel(place.children[k], channel, {
      name: palette ? "Colour" : answer.channels.length === 3 ? names[k] : "Value",
      colour: answer.channels.length === 3 ? colours[k] : null,
      palette,
    }));
  }
}

function sumChannels(values, channels) {
  const bits = [];
  for (let i = 0; i < values.length; i += channels) {
    let sum = 0;
    for (let k = 0; k < channels; k++) {
      sum += values[i + k];
    }
    bits.push(sum / Math.LN2);
  }
  return bits;
}

// What 99.5 % of the pixels do not exceed, as in `pixelrnn heat`.
function scaleOf(bits) {
  const sorted = [...bits].sort((a, b) => a - b);
  return sorted[Math.ceil(0.995 * sorted.length) - 1];
}

function showChannel(block, channel, { name, colour, palette }) {
  const p = channel.probabilities, best = p.indexOf(Math.max(...p));
  const tell = (level) => (palette ? `${level} ${toHex(palette[level])}` : level);
  const text = `${name} ${tell(channel.level)}: p = ${format(p[channel.level])}, cost ${channel.bits.toFixed(2)} bits; ` +
    `entropy ${channel.entropy_bits.toFixed(2)} bits; likeliest ${tell(best)} (p = ${format(p[best])})`;
  block.firstChild.textContent = text;
  block.lastChild.setAttribute("aria-label", "Distribution. " + text);
  Object.assign(block.dataset, { bits: channel.bits, entropy: channel.entropy_bits, level: channel.level,
    probabilities: JSON.stringify(p) });
  paintHistogram(block.lastChild, p, channel.level, colour, palette);
}

function format(p) {
  return p >= 0.001 ? p.toFixed(3) : p.toExponential(1);
}

// Bars of the levels; the true one is marked below. Those of a palette are its colours, with a line around them since one
// may be the ground's.
function paintHistogram(canvas, p, level, colour, palette) {
  const ratio = window.devicePixelRatio || 1, width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio), foot = 15 * ratio;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
  const most = Math.max(...p), each = width / p.length, gap = each > 6 * ratio ? Math.min(each * 0.2, 12 * ratio) : 0;
  p.forEach((value, i) => {
    const tall = (value / most) * (height - foot - 4 * ratio);
    const bar = [i * each + gap, height - foot - tall, Math.max(each - 2 * gap, 1), tall];
    context.fillStyle = palette ? toHex(palette[i]) : colour || style.getPropertyValue("--accent");
    context.globalAlpha = palette || i === level ? 1 : 0.55;
    context.fillRect(...bar);
    if (palette && gap) {
      context.strokeStyle = style.getPropertyValue("--soft");
      context.lineWidth = ratio;
      context.strokeRect(...bar);
    }
  });
  context.globalAlpha = 1;
  context.fillStyle = style.getPropertyValue("--ink");
  const x = (level + 0.5) * each, top = height - foot + 2 * ratio;
  context.beginPath();
  context.moveTo(x, top);
  context.lineTo(x - 4 * ratio, top + 8 * ratio);
  context.lineTo(x + 4 * ratio, top + 8 * ratio);
  context.fill();
  context.fillStyle = style.getPropertyValue("--soft");
  context.font = `${11 * ratio}px system-ui, sans-serif`;
  context.fillText("0", 4 * ratio, height - 3 * ratio);
  context.textAlign = "right";
  context.fillText(p.length - 1, width - 4 * ratio, height - 3 * ratio);
}
