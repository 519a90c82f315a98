// Draws the picture, and the labels over it.

const LONGEST = 2048; // pixels of the longer side on the page
const REST = 0.12; // opacity of the other classes when one is chosen

export class View {
  #picture = document.getElementById("picture");
  #overlay = document.getElementById("overlay");
  #stage = document.getElementById("stage");

  show(picture) {
    const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
    this.#picture.width = Math.max(1, Math.round(scale * picture.width));
    this.#picture.height = Math.max(1, Math.round(scale * picture.height));
    const context = this.#picture.getContext("2d");
    context.drawImage(picture, 0, 0, this.#picture.width, this.#picture.height);
    this.#stage.style.setProperty("--aspect", picture.width / picture.height);
    this.#stage.style.aspectRatio = `${picture.width} / ${picture.height}`;
    this.#stage.hidden = false;
    document.getElementById("hint").hidden = true;
    document.getElementById("drop").classList.add("filled");
  }

  /** Paints a label map; if a class is chosen, the others are faint. */
  paint({ labels, rows, columns }, palette, chosen) {
    const image = new ImageData(columns, rows);
    for (let pixel = 0; pixel < labels.length; pixel++) {
      const label = labels[pixel];
      const strength = chosen === null || chosen === label ? 1 : REST;
      image.data.set([...palette[label], Math.round(255 * strength)], 4 * pixel);
    }
    [this.#overlay.width, this.#overlay.height] = [columns, rows];
    this.#overlay.getContext("2d").putImageData(image, 0, 0);
  }

  clear() {
    this.#overlay.getContext("2d").clearRect(0, 0, this.#overlay.width, this.#overlay.height);
  }

  describe(text) {
    this.#picture.setAttribute("aria-label", text);
  }

  /** Calls `use` with the pointer's position, 0 to 1 from the left and the top, or with null. */
  onPointer(use) {
    this.#picture.addEventListener("pointermove", ({ offsetX, offsetY }) => {
      use(offsetX / this.#picture.clientWidth, offsetY / this.#picture.clientHeight);
    });
    this.#picture.addEventListener("pointerleave", () => use(null));
  }
}
