// A wall of samples.
import { isSuperseded, stream } from "./api.js";
import { savePng, saveNpy } from "./files.js";
import { Drawing, putImage } from "./pixels.js";

const GAP = 1;

export class Wall {
  constructor(canvas, state, { onTake, onTrouble }) {
    Object.assign(this, { canvas, state, onTake, onTrouble, chosen: -1 });
    canvas.addEventListener("click", (event) => this.take(this.at(event)));
    canvas.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.fit()).observe(canvas.parentElement);
  }

  async draw(model, settings) {
    this.stop();
    const controller = (this.controller = new AbortController());
    const drawing = (this.drawing = new Drawing(model, settings.count));
    this.settings = settings;
    this.chosen = -1;
    this.done = false;
    this.lay();
    this.state.textContent = "Drawing…";
    this.canvas.dataset.stages = "";
    try {
      await stream("sample", { model: model.name, format: "stream", ...settings }, (line) => {
        drawing.take(line);
        this.soon();
        if (line.done) {
          this.done = true;
          this.state.textContent = `${settings.count} samples in ${line.seconds.toFixed(2)} s`;
        } else if (line.stages > 1 && line.height) {
          this.canvas.dataset.stages += `${line.height} `;
          this.state.textContent = `Drawing, stage ${line.stage + 1} of ${line.stages}: ${line.height} × ${line.width}`;
        }
      }, { lane: "wall", signal: controller.signal });
      this.paint();
    } catch (error) {
      if (controller === this.controller) {
        this.state.textContent = "Stopped";
      }
      if (!isSuperseded(error)) {
        this.onTrouble(error);
      }
    }
  }

  stop() {
    this.controller?.abort();
  }

  // About square, as a contact sheet of the program.
  lay() {
    const { count, shape } = this.drawing;
    this.columns = Math.ceil(Math.sqrt((count * shape.height) / shape.width));
    const rows = Math.ceil(count / this.columns);
    this.canvas.width = this.columns * (shape.width + GAP) - GAP;
    this.canvas.height = rows * (shape.height + GAP) - GAP;
    this.fit();
    this.paint();
  }

  // As large as there is room for, by a whole number if that is large enough.
  fit() {
    if (!this.drawing) {
      return;
    }
    const room = this.canvas.parentElement.clientWidth - 34;
    const tall = Math.max(innerHeight - 260, 320), ratio = Math.min(room / this.canvas.width, tall / this.canvas.height);
    this.canvas.style.width = `${this.canvas.width * (ratio >= 2 ? Math.floor(ratio) : ratio)}px`;
  }

  soon() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.paint();
    });
  }

  paint() {
    const { shape, images, drawn } = this.drawing, context = this.canvas.getContext("2d");
    const data = context.createImageData(this.canvas.width, this.canvas.height);
    images.forEach((image, i) => {
      const left = (i % this.columns) * (shape.width + GAP), top = Math.floor(i / this.columns) * (shape.height + GAP);
      putImage(data, image, shape, left, top);
      drawn.forEach((there, pixel) => {
        if (!there) {
          const at = ((top + Math.floor(pixel / shape.width)) * data.width + left + (pixel % shape.width)) * 4;
          data.data.set([112, 98, 226, 90], at);
        }
      });
    });
    context.putImageData(data, 0, 0);
    this.mark();
  }

  mark() {
    if (this.chosen >= 0) {
      const { shape } = this.drawing, context = this.canvas.getContext("2d");
      context.strokeStyle = "#ffc857";
      context.strokeRect((this.chosen % this.columns) * (shape.width + GAP) + 0.5,
        Math.floor(this.chosen / this.columns) * (shape.height + GAP) + 0.5, shape.width - 1, shape.height - 1);
    }
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect(), { shape } = this.drawing;
    const column = Math.floor(((event.clientX - box.left) / box.width) * this.canvas.width / (shape.width + GAP));
    const row = Math.floor(((event.clientY - box.top) / box.height) * this.canvas.height / (shape.height + GAP));
    return row * this.columns + column;
  }

  key(event) {
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns };
    if (event.key in moves && this.drawing) {
      const to = this.chosen < 0 ? 0 : this.chosen + moves[event.key];
      this.chosen = to >= 0 && to < this.drawing.count ? to : this.chosen;
      this.state.textContent = `Sample ${this.chosen}`;
      this.paint();
    } else if (event.key === "Enter") {
      this.take(this.chosen);
    } else {
      return;
    }
    event.preventDefault();
  }

  take(i) {
    if (this.done && i >= 0 && i < this.drawing.count) {
      this.onTake(this.drawing.images[i]);
    }
  }

  get name() {
    return `${this.drawing.shape.name}-seed-${this.settings.seed}`;
  }

  png() {
    this.chosen = -1;
    this.paint();
    savePng(this.canvas, this.name + ".png");
  }

  npy() {
    if (this.done) {
      saveNpy(this.drawing.images, this.drawing.shape, this.name + ".npy");
    }
  }
}
