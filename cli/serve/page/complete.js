// Completions of the picture, drawn anew at every stroke.
import { isSuperseded, stream, toBase64 } from "./api.js";
import { tintUnknown } from "./easel.js";
import { Drawing, imageSize, putImage } from "./pixels.js";

export class Completions {
  constructor(place, time, { onKeep, onTrouble }) {
    Object.assign(this, { place, time, onKeep, onTrouble, tiles: [], controller: null });
  }

  // Begins once a frame at most, and ends what was under way.
  restart(model, easel, settings) {
    this.wanted = { model, image: easel.image.slice(), known: easel.known.slice(), settings, since: performance.now() };
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.run(this.wanted);
    });
  }

  async run({ model, image, known, settings, since }) {
    this.controller?.abort();
    const controller = (this.controller = new AbortController());
    const drawing = new Drawing(model, settings.count, image, known);
    if (known.every((pixel) => pixel)) {
      this.show(drawing);
      this.time.textContent = "Nothing is unknown: mark what the model shall draw.";
      return;
    }
    let first = 0;
    const body = { model: model.name, image: toBase64(image), known: toBase64(known), format: "stream", ...settings };
    try {
      await stream("complete", body, (line) => {
        drawing.take(line);
        if (line.values && !first) {
          first = performance.now() - since;
        }
        this.soon(drawing);
      }, { lane: "complete", signal: controller.signal });
      const all = performance.now() - since;
      this.show(drawing);
      this.time.textContent = `First pixel after ${Math.round(first)} ms, all after ${Math.round(all)} ms.`;
      Object.assign(this.place.dataset, { first, all, seed: settings.seed });
    } catch (error) {
      if (!isSuperseded(error)) {
        this.onTrouble(error);
      }
    }
  }

  soon(drawing) {
    this.latest = drawing;
    this.painting ||= requestAnimationFrame(() => {
      this.painting = 0;
      this.show(this.latest);
    });
  }

  show(drawing) {
    while (this.tiles.length > drawing.count) {
      this.tiles.pop().remove();
    }
    while (this.tiles.length < drawing.count) {
      this.tiles.push(this.makeTile(this.tiles.length));
    }
    this.drawing = drawing;
    drawing.images.forEach((image, i) => paintTile(this.tiles[i].firstChild, image, drawing));
  }

  makeTile(i) {
    const tile = document.createElement("button");
    tile.append(document.createElement("canvas"));
    tile.title = "Keep this one";
    tile.setAttribute("aria-label", `Keep completion ${i + 1}`);
    tile.addEventListener("click", () => this.onKeep(this.drawing.images[i].slice(0, imageSize(this.drawing.shape))));
    this.place.append(tile);
    return tile;
  }
}

// What is not drawn yet looks unknown.
function paintTile(canvas, image, drawing) {
  const { shape, known, drawn } = drawing;
  canvas.width = shape.width;
  canvas.height = shape.height;
  const context = canvas.getContext("2d"), data = context.createImageData(shape.width, shape.height);
  putImage(data, image, shape);
  for (let i = 0; i < drawn.length; i++) {
    if (!drawn[i] && !(known && known[i])) {
      tintUnknown(data, i);
    }
  }
  context.putImageData(data, 0, 0);
}
