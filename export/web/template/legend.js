// The legend: the classes with their colours and their shares of the picture; one can be chosen.

export class Legend {
  chosen = null;
  #list;
  #items;

  constructor(list, { names, palette }, onChoice) {
    this.#list = list;
    this.#items = names.map((name, label) => this.#item(name, palette[label], label, onChoice));
    list.replaceChildren(...this.#items.map((item) => item.row));
  }

  /** Shows the share of each class, 0 to 1; the largest first if `sorted`. */
  show(shares, sorted) {
    const order = this.#items.map((item, label) => label);
    if (sorted) order.sort((a, b) => shares[b] - shares[a] || a - b);
    for (const [label, { button, share }] of this.#items.entries()) {
      share.textContent = percent(shares[label]);
      button.classList.toggle("absent", shares[label] === 0);
    }
    const rows = order.map((label) => this.#items[label].row);
    if (rows.some((row, place) => row !== this.#list.children[place])) {
      const focused = document.activeElement;
      this.#list.replaceChildren(...rows);
      if (this.#list.contains(focused)) focused.focus();
    }
  }

  #item(name, color, label, onChoice) {
    const [row, button] = [document.createElement("li"), document.createElement("button")];
    const [swatch, text, share] = ["swatch", "name", "share"].map((kind) => {
      const span = document.createElement("span");
      span.className = kind;
      return span;
    });
    button.type = "button";
    button.className = "absent";
    button.setAttribute("aria-pressed", "false");
    swatch.style.background = `rgb(${color.join(" ")})`;
    text.textContent = text.title = name;
    button.append(swatch, text, share);
    button.addEventListener("click", () => {
      this.chosen = this.chosen === label ? null : label;
      for (const [other, item] of this.#items.entries()) {
        item.button.setAttribute("aria-pressed", String(other === this.chosen));
      }
      onChoice();
    });
    row.append(button);
    return { row, button, share };
  }
}

/** Returns the share of each class in a label map. */
export function sharesOf(labels, classes) {
  const counts = new Array(classes).fill(0);
  for (const label of labels) counts[label]++;
  return counts.map((count) => count / labels.length);
}

function percent(share) {
  if (share === 0) return "";
  return share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`;
}
