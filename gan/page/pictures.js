/** Pixels as pictures: on a canvas, as a grid, as PNG. Images are bytes [H, W, C] with 1 (grey) or 3 (RGB) channels. */

const GRID_SCALE = 2; // pixels of a grid's file for one of an image, as bin/sample writes it
const LEAST_SIDE = 256; // of a single picture's file

/** A canvas for one image of the shape [H, W, C]. */
export function blank([height, width]) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  canvas.setAttribute("aria-hidden", "true");
  return canvas;
}

/** Paints image `index` of pixels [n * H * W * C] on a canvas, its upper left corner at (x, y). */
export function paint(canvas, pixels, shape, index = 0, x = 0, y = 0) {
  const [height, width, channels] = shape;
  const image = new ImageData(width, height);
  const start = index * height * width * channels;
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = pixels[start + i * channels + (channels === 3 ? c : 0)];
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, x, y);
}

/** A PNG file of one picture, each pixel enlarged by a whole factor until its longer side has 256. */
export function picturePng(canvas) {
  return png(enlarged(canvas, Math.max(1, Math.ceil(LEAST_SIDE / Math.max(canvas.width, canvas.height)))));
}

/** A PNG file of pictures in rows, with white lines between and around them, as bin/sample writes it. */
export function gridPng(canvases, columns) {
  const [{ width, height }] = canvases;
  const rows = Math.ceil(canvases.length / columns);
  const whole = blank([rows * (height + 1) + 1, columns * (width + 1) + 1]);
  const context = whole.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, whole.width, whole.height);
  canvases.forEach((canvas, i) =>
    context.drawImage(canvas, 1 + (i % columns) * (width + 1), 1 + Math.floor(i / columns) * (height + 1)),
  );
  return png(enlarged(whole, GRID_SCALE));
}

function enlarged(canvas, factor) {
  const larger = blank([canvas.height * factor, canvas.width * factor]);
  const context = larger.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, 0, 0, larger.width, larger.height);
  return larger;
}

function png(canvas) {
  return new Promise((resolve, reject) =>
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error("the picture is too large for a PNG file"))),
      "image/png",
    ),
  );
}
