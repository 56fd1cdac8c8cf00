// Files that the page makes itself.

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

export function savePng(canvas, name) {
  canvas.toBlob((blob) => save(blob, name), "image/png");
}

// uint8 (count, height, width, channels), as `pixelrnn sample` writes it.
export function saveNpy(images, shape, name) {
  const text = "{'descr': '|u1', 'fortran_order': False, 'shape': " +
    `(${images.length}, ${shape.height}, ${shape.width}, ${shape.channels}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const head = new Uint8Array(10 + length).fill(32);
  head.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 255, length >> 8]);
  head.set(new TextEncoder().encode(text), 10);
  head[head.length - 1] = 10;
  save(new Blob([head, ...images], { type: "application/octet-stream" }), name);
}

// Says so in the button for a moment.
export async function copyLink(button, link) {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(link);
    button.textContent = "Copied";
  } catch {
    button.textContent = "The address bar has it";
  }
  setTimeout(() => { button.textContent = label; }, 1500);
}
