// Receptive fields, measured, of all models of this shape side by side.
import { isSuperseded, stream, toBase64 } from "./api.js";
import { heatColour } from "./pixels.js";

const $ = (id) => document.getElementById(id);

export class Fields {
  constructor({ onTrouble }) {
    this.onTrouble = onTrouble;
  }

  clear() {
    this.controller?.abort();
    $("fields").replaceChildren();
    $("field-state").textContent = "";
  }

  async measure(models, image, at) {
    this.clear();
    const controller = (this.controller = new AbortController());
    try {
      for (const model of models) {
        await this.measureOne(model, image, at, controller.signal);
      }
      $("field-state").textContent = `At row ${at.row}, column ${at.column}.`;
    } catch (error) {
      if (!isSuperseded(error)) {
        this.onTrouble(error);
      }
    }
  }

  async measureOne(model, image, at, signal) {
    const figure = document.createElement("figure"), canvas = document.createElement("canvas");
    const caption = document.createElement("figcaption"), moved = [];
    canvas.setAttribute("role", "img");
    figure.append(canvas, caption);
    $("fields").append(figure);
    paint(canvas, model, moved, at);
    const body = { model: model.name, image: toBase64(image), row: at.row, column: at.column };
    await stream("field", body, (line) => {
      if (line.moved) {
        moved.push(...line.moved);
        $("field-state").textContent = `${model.name}: ${line.measured} of ${line.of} pixels`;
        paint(canvas, model, moved, at);
        describe(caption, canvas, model, moved, line);
      }
    }, { lane: "field", signal });
    figure.dataset.moved = JSON.stringify(moved.map(([row, column]) => [row, column]));
  }
}

function describe(caption, canvas, model, moved, line) {
  const kind = model.stages[model.stages.length - 1].kind;
  const text = `${moved.length} of ${line.of} pixels before it matter`;
  const strong = document.createElement("strong");
  strong.textContent = `${model.name} (${kind})`;
  caption.replaceChildren(strong, document.createElement("br"), text);
  canvas.setAttribute("aria-label", `Receptive field of ${model.name}: ${text}`);
}

// On a scale of logarithms: what moves the distribution by a millionth is seen too.
function paint(canvas, model, moved, at) {
  const { height, width } = model, zoom = Math.max(1, Math.floor(280 / Math.max(width, height)));
  canvas.width = width * zoom;
  canvas.height = height * zoom;
  const context = canvas.getContext("2d");
  context.fillStyle = "#101018";
  context.fillRect(0, 0, canvas.width, canvas.height);
  for (const [row, column, by] of moved) {
    context.fillStyle = `rgb(${heatColour(0.22 + 0.78 * Math.max(0, 1 + Math.log10(by + 1e-12) / 6)).join(" ")})`;
    context.fillRect(column * zoom, row * zoom, zoom, zoom);
  }
  context.fillStyle = "#6ee7ff";
  context.fillRect(at.column * zoom, at.row * zoom, zoom, zoom);
}
