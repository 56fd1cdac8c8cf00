// Levels, and how they are seen. A shape is {height, width, channels, levels}, and with a palette [R, G, B] of each
// level; an image is a Uint8Array of its levels, (row, column, channel).

export function imageSize(shape) {
  return shape.height * shape.width * shape.channels;
}

export function toByte(level, levels) {
  return Math.round((255 * level) / (levels - 1));
}

// As the program reads 8-bit values.
export function toLevel(byte, levels) {
  return Math.floor((byte * levels) / 256);
}

// Writes an image into ImageData at (left, top).
export function putImage(data, image, shape, left = 0, top = 0) {
  const { height, width, channels, levels, palette } = shape;
  let from = 0;
  for (let row = 0; row < height; row++) {
    let to = ((top + row) * data.width + left) * 4;
    for (let column = 0; column < width; column++, to += 4, from += channels) {
      for (let k = 0; k < 3; k++) {
        data.data[to + k] = palette ? palette[image[from]][k] : toByte(image[from + (channels === 3 ? k : 0)], levels);
      }
      data.data[to + 3] = 255;
    }
  }
}

// Draws an image so that each pixel of it is one of the canvas.
export function paintImage(canvas, image, shape) {
  if (canvas.width !== shape.width || canvas.height !== shape.height) {
    canvas.width = shape.width;
    canvas.height = shape.height;
  }
  const context = canvas.getContext("2d");
  const data = context.createImageData(shape.width, shape.height);
  putImage(data, image, shape);
  context.putImageData(data, 0, 0);
}

// The number of the palette's colour that is nearest.
function nearestColour(r, g, b, palette) {
  let best = 0, least = Infinity;
  for (let i = 0; i < palette.length && least > 0; i++) {
    const colour = palette[i], far = (r - colour[0]) ** 2 + (g - colour[1]) ** 2 + (b - colour[2]) ** 2;
    if (far < least) {
      [best, least] = [i, far];
    }
  }
  return best;
}

export function toHex(rgb) {
  return "#" + rgb.map((value) => value.toString(16).padStart(2, "0")).join("");
}

// A picture, cut to the shape around its centre and made smaller by halves, as an image. Pixels become one by a mean, but
// of colours of a palette, whose mean is none of them, by choice.
export function fromPicture(picture, shape) {
  const scale = Math.min(picture.width / shape.width, picture.height / shape.height);
  let width = shape.width * scale, height = shape.height * scale;
  let source = picture, x = (picture.width - width) / 2, y = (picture.height - height) / 2;
  do {
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(shape.width, Math.ceil(width / 2));
    canvas.height = Math.max(shape.height, Math.ceil(height / 2));
    const context = canvas.getContext("2d");
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingEnabled = scale > 1 && !shape.palette;
    context.imageSmoothingQuality = "high";
    context.drawImage(source, x, y, width, height, 0, 0, canvas.width, canvas.height);
    [source, x, y, width, height] = [canvas, 0, 0, canvas.width, canvas.height];
  } while (width > shape.width || height > shape.height);
  return fromCanvas(source, shape);
}

// Colour becomes luma (BT.601) where the model knows grey alone.
function fromCanvas(canvas, shape) {
  const { data } = canvas.getContext("2d").getImageData(0, 0, shape.width, shape.height);
  const image = new Uint8Array(imageSize(shape));
  for (let i = 0, at = 0; i < data.length; i += 4) {
    if (shape.palette) {
      image[at++] = nearestColour(data[i], data[i + 1], data[i + 2], shape.palette);
    } else if (shape.channels === 3) {
      for (let k = 0; k < 3; k++) {
        image[at++] = toLevel(data[i + k], shape.levels);
      }
    } else {
      image[at++] = toLevel(Math.round(0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2]), shape.levels);
    }
  }
  return image;
}

// Images that come into being: takes the lines of a stream, and knows what is there. A stage of smaller images fills
// the squares that its pixels stand for, until later stages have drawn the rest.
export class Drawing {
  constructor(shape, count, image, known) {
    this.shape = shape;
    this.count = count;
    this.images = Array.from({ length: count }, () => Uint8Array.from(image || new Uint8Array(imageSize(shape))));
    this.known = known; // (H, W), or nothing
    this.drawn = new Uint8Array(shape.height * shape.width); // 1: has its own value; 2: a square's
    this.step = 1;
  }

  take(line) {
    if (line.height) {
      this.step = this.shape.height / line.height;
    } else if (line.values) {
      this.put(line.row * this.step, line.column * this.step, line.values);
    }
  }

  put(row, column, values) {
    const { width, height, channels } = this.shape;
    for (let r = row; r < Math.min(height, row + this.step); r++) {
      for (let c = column; c < Math.min(width, column + this.step); c++) {
        const pixel = r * width + c, own = r === row && c === column;
        if ((this.known && this.known[pixel]) || (!own && this.drawn[pixel] === 1)) {
          continue;
        }
        this.drawn[pixel] = own ? 1 : 2;
        for (let i = 0; i < this.count; i++) {
          for (let k = 0; k < channels; k++) {
            this.images[i][pixel * channels + k] = values[i * channels + k];
          }
        }
      }
    }
  }
}

// The colours of `pixelrnn heat` (inferno), for 0 to 1.
const inferno = [[0, 0, 4], [31, 12, 72], [85, 15, 109], [136, 34, 106], [186, 54, 85], [227, 89, 51], [249, 140, 10],
  [249, 201, 50], [252, 255, 164]];

export function heatColour(value) {
  const at = Math.min(Math.max(value, 0), 1) * (inferno.length - 1), i = Math.min(Math.floor(at), inferno.length - 2);
  return [0, 1, 2].map((k) => Math.round(inferno[i][k] + (at - i) * (inferno[i + 1][k] - inferno[i][k])));
}
