// The picture that is painted on, and the mask of what is unknown.
import { imageSize, putImage, toLevel } from "./pixels.js";

const UNDO = 60;

export class Easel {
  constructor(canvas, { onChange, onLook, onPin }) {
    Object.assign(this, { canvas, onChange, onLook, onPin, tool: "pen", brush: 1, value: [1], past: [], cursor: null });
    this.small = document.createElement("canvas");
    this.listen();
  }

  // A model's shape, and the sizes of its stages, which say in what order pixels are drawn.
  setModel(model) {
    this.shape = model;
    this.image = new Uint8Array(imageSize(model));
    this.known = new Uint8Array(model.height * model.width).fill(1);
    this.past = [];
    this.cursor = null;
    this.sequence = drawingOrder(model);
    this.small.width = model.width;
    this.small.height = model.height;
    this.zoom = Math.max(1, Math.floor(960 / Math.max(model.width, model.height)));
    this.canvas.width = model.width * this.zoom;
    this.canvas.height = model.height * this.zoom;
    this.paint();
  }

  setImage(image) {
    this.remember();
    this.image.set(image);
    this.changed();
  }

  // Which pixels are unknown: a function of row and column.
  setHole(isUnknown) {
    this.remember();
    const { width } = this.shape;
    this.known.forEach((_, i) => { this.known[i] = isUnknown(Math.floor(i / width), i % width) ? 0 : 1; });
    this.changed();
  }

  invert() {
    this.setImage(this.image.map((level) => this.shape.levels - 1 - level));
  }

  remember() {
    this.past.push([this.image.slice(), this.known.slice()]);
    this.past.splice(0, this.past.length - UNDO);
  }

  undo() {
    const before = this.past.pop();
    if (before) {
      this.image.set(before[0]);
      this.known.set(before[1]);
      this.changed();
    }
  }

  changed() {
    this.paint();
    this.onChange();
  }

  // ------------------------------------------------------------------------------------ strokes

  dab(row, column) {
    const { height, width, channels } = this.shape, reach = this.brush / 2;
    for (let r = Math.max(0, Math.ceil(row - reach)); r < Math.min(height, row + reach); r++) {
      for (let c = Math.max(0, Math.ceil(column - reach)); c < Math.min(width, column + reach); c++) {
        const pixel = r * width + c;
        this.known[pixel] = this.tool === "unknown" ? 0 : 1;
        for (let k = 0; k < channels && (this.tool === "pen" || this.tool === "eraser"); k++) {
          this.image[pixel * channels + k] = this.tool === "pen" ? this.value[k] : 0;
        }
      }
    }
  }

  line(from, to) {
    const steps = Math.max(Math.abs(to.row - from.row), Math.abs(to.column - from.column), 1);
    for (let i = 0; i <= steps; i++) {
      this.dab(Math.round(from.row + ((to.row - from.row) * i) / steps),
        Math.round(from.column + ((to.column - from.column) * i) / steps));
    }
    this.changed();
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect(), { height, width } = this.shape;
    const clamp = (value, most) => Math.min(Math.max(Math.floor(value), 0), most - 1);
    return {
      row: clamp(((event.clientY - box.top) / box.height) * height, height),
      column: clamp(((event.clientX - box.left) / box.width) * width, width),
    };
  }

  listen() {
    let last = null;
    this.canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) {
        return;
      }
      this.canvas.setPointerCapture(event.pointerId);
      this.remember();
      last = this.place(event);
      this.line(last, last);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      const at = this.place(event);
      this.look(at);
      if (last && (at.row !== last.row || at.column !== last.column)) {
        this.line(last, at);
        last = at;
      }
    });
    for (const end of ["pointerup", "pointercancel"]) {
      this.canvas.addEventListener(end, () => { last = null; });
    }
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("blur", () => { this.cursor = null; this.paint(); });
  }

  look(at) {
    if (!this.looked || at.row !== this.looked.row || at.column !== this.looked.column) {
      this.looked = at;
      this.onLook(at);
    }
  }

  // --------------------------------------------------------------------------------------- keys

  key(event) {
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const tools = { p: "pen", e: "eraser", u: "unknown", k: "known" };
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (moves[event.key]) {
      this.move(moves[event.key], event.shiftKey);
    } else if (event.key === " ") {
      this.remember();
      this.cursor ||= { row: 0, column: 0 };
      this.line(this.cursor, this.cursor);
    } else if (event.key === "Enter" && this.cursor) {
      this.onPin(this.cursor);
    } else if (tools[event.key]) {
      document.querySelector(`input[name=tool][value=${tools[event.key]}]`).click();
    } else if (event.key === "z") {
      this.undo();
    } else {
      return;
    }
    event.preventDefault();
  }

  move([down, right], draws) {
    const from = this.cursor || { row: 0, column: 0 }, { height, width } = this.shape;
    const to = this.cursor ? { row: Math.min(Math.max(from.row + down, 0), height - 1),
      column: Math.min(Math.max(from.column + right, 0), width - 1) } : from;
    this.cursor = to;
    if (draws) {
      this.remember();
      this.line(from, to);
    }
    this.paint();
    this.look(to);
  }

  // ------------------------------------------------------------------------------------- looks

  // Of each pixel, the part of the hole that is drawn before it, which it cannot guide.
  lateness() {
    const late = new Float32Array(this.known.length), hole = this.known.reduce((n, known) => n + !known, 0);
    let before = 0;
    for (const pixel of this.sequence) {
      if (!this.known[pixel]) {
        before++;
      } else if (hole) {
        late[pixel] = before / hole;
      }
    }
    return late;
  }

  paint() {
    const data = new ImageData(this.shape.width, this.shape.height), context = this.canvas.getContext("2d");
    const late = this.lateness(), zoom = this.zoom;
    putImage(data, this.image, this.shape);
    this.late = late.some((part) => part > 0);
    this.known.forEach((known, i) => {
      if (!known) {
        tintUnknown(data, i);
      }
    });
    this.small.getContext("2d").putImageData(data, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.small, 0, 0, this.canvas.width, this.canvas.height);
    this.mark(context, late);
    if (this.cursor) {
      context.lineWidth = Math.max(2, zoom / 8);
      context.strokeStyle = "#ffc857";
      context.strokeRect(this.cursor.column * zoom, this.cursor.row * zoom, zoom, zoom);
    }
  }

  // Dots on what is unknown, and stripes on what comes too late.
  mark(context, late) {
    const { width } = this.shape, zoom = this.zoom, side = Math.max(1, Math.round(zoom / 7));
    context.fillStyle = "rgb(255 255 255 / 0.45)";
    this.known.forEach((known, i) => {
      const x = (i % width) * zoom, y = Math.floor(i / width) * zoom;
      if (late[i] > 0) {
        stripe(context, x, y, zoom, late[i]);
      } else if (!known && zoom >= 8) {
        context.fillRect(x + (zoom - side) / 2, y + (zoom - side) / 2, side, side);
      }
    });
  }

  setColour(hex) {
    this.value = [1, 3, 5].map((i) => toLevel(parseInt(hex.slice(i, i + 2), 16), this.shape.levels));
  }
}

// Pixels in the order in which they are drawn: those of the smallest stage first, each stage in raster order.
export function drawingOrder(model) {
  const { height, width } = model, order = [], seen = new Uint8Array(height * width);
  for (const stage of model.stages) {
    const step = height / stage.height;
    for (let row = 0; row < height; row += step) {
      for (let column = 0; column < width; column += step) {
        const pixel = row * width + column;
        if (!seen[pixel]) {
          seen[pixel] = 1;
          order.push(pixel);
        }
      }
    }
  }
  return order;
}

// Violet over a pixel of ImageData: nobody knows what is there.
export function tintUnknown(data, pixel, part = 0.82) {
  [112, 98, 226].forEach((value, k) => {
    const at = 4 * pixel + k;
    data.data[at] = data.data[at] + part * (value - data.data[at]);
  });
}

// The stronger the more of the hole cannot see the pixel.
function stripe(context, x, y, zoom, part) {
  context.strokeStyle = `rgb(240 150 40 / ${0.15 + 0.6 * part})`;
  context.lineWidth = Math.max(1, zoom / 9);
  context.beginPath();
  context.moveTo(x, y + zoom);
  context.lineTo(x + zoom, y);
  context.stroke();
}
