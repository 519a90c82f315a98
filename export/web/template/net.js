// Sends pixels to the worker with the net, and receives labels.

export class Net {
  #worker;
  #waiting = new Map();
  #count = 0;

  constructor(config, onLoaded) {
    // A worker made from a blob inherits the page's content security policy.
    const script = JSON.stringify(new URL("worker.js", import.meta.url).href);
    const blob = new Blob([`importScripts(${script});`], { type: "text/javascript" });
    this.#worker = new Worker(URL.createObjectURL(blob));
    this.#worker.onmessage = ({ data }) => {
      if (!data.loaded) this.#settle(data);
      else if (this.#waiting.size) onLoaded(data.loaded);
    };
    this.#worker.onerror = (event) => this.#fail(event.message || "worker.js could not be loaded.");
    this.ready = this.#ask({ config, site: document.baseURI });
  }

  /** Returns { labels, milliseconds } for what `fit` returned. */
  segment({ pixels, rows, columns }) {
    return this.#ask({ pixels, rows, columns }, [pixels.buffer]);
  }

  #ask(message, moved = []) {
    const number = ++this.#count;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      this.#worker.postMessage({ ...message, number }, moved);
    });
  }

  #settle({ number, problem, ...answer }) {
    const { resolve, reject } = this.#waiting.get(number);
    this.#waiting.delete(number);
    if (problem) reject(new Error(problem));
    else resolve(answer);
  }

  #fail(message) {
    for (const { reject } of this.#waiting.values()) reject(new Error(message));
    this.#waiting.clear();
  }
}
