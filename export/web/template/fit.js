// Fits a picture of any size into the net's input, and label maps into the picture's size.

const canvas = document.createElement("canvas");
const context = canvas.getContext("2d", { willReadFrequently: true });

/**
 * Returns the net's input for a picture: { pixels, rows, columns }. A larger picture is shrunk; it
 * lies at the top left, the rest is padding; transparency is put on white.
 */
export function fit(picture, [height, width], padding) {
  const scale = Math.min(1, height / picture.height, width / picture.width);
  const rows = Math.max(1, Math.round(scale * picture.height));
  const columns = Math.max(1, Math.round(scale * picture.width));
  [canvas.width, canvas.height] = [width, height];
  context.fillStyle = `rgb(${padding.join(" ")})`;
  context.fillRect(0, 0, width, height);
  context.fillStyle = "white";
  context.fillRect(0, 0, columns, rows);
  context.imageSmoothingEnabled = scale < 1;
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, columns, rows);
  return { pixels: context.getImageData(0, 0, width, height).data, rows, columns };
}

/** Returns a label map in another size, by nearest neighbours. */
export function resized({ labels, rows, columns }, height, width) {
  const found = new Uint8Array(height * width);
  for (let row = 0, pixel = 0; row < height; row++) {
    const first = Math.floor(((row + 0.5) * rows) / height) * columns;
    for (let column = 0; column < width; column++, pixel++) {
      found[pixel] = labels[first + Math.floor(((column + 0.5) * columns) / width)];
    }
  }
  return found;
}
