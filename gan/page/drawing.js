/**
 * What is drawn when: the picture at once, of several wishes only the newest; grids, maps and thumbnails in small parts
 * whenever no picture waits, so that a drag never waits for long.
 */

const PART = 8; // images drawn at once for a grid

/** Does work (asynchronous) for the newest value only: those that came while it was busy are passed over. */
export class Latest {
  #work;
  #waiting = null;
  #working = null;

  constructor(work) {
    this.#work = work;
  }

  /** Asks for work on a value, once the work under way is finished; ends when nothing is left to do. */
  ask(value) {
    this.#waiting = { value };
    this.#working ??= this.#all();
    return this.#working;
  }

  async #all() {
    try {
      while (this.#waiting) {
        const { value } = this.#waiting;
        this.#waiting = null;
        await this.#work(value).catch((error) => {
          if (!this.#waiting) throw error; // of what nobody wants any more nothing is told
        });
      }
    } finally {
      this.#working = null;
    }
  }
}

/** Draws by a backend; `told(error)` hears of what could not be drawn. */
export class Drawing {
  #backend;
  #urgent = 0;
  #free = [];
  #queue = Promise.resolve();

  constructor(backend) {
    this.#backend = backend;
  }

  /** One picture, now: {pixels, step}. */
  async now(latent, label, step) {
    this.#urgent++;
    try {
      return await this.#backend.draw(latent, label === null ? null : Int32Array.of(label), step);
    } finally {
      if (--this.#urgent === 0) this.#free.splice(0).forEach((resolve) => resolve());
    }
  }

  /**
   * Pictures of many latents (arrays [size]) when there is time; `shown(index, pixels, i)` has image `index` as the
   * i-th of `pixels`. Ends early, with false, once `wanted()` is not true any more. Works are done in their order.
   */
  later(latents, labels, step, wanted, shown) {
    const done = this.#queue.then(() => this.#parts(latents, labels, step, wanted, shown));
    this.#queue = done.catch(() => {});
    return done;
  }

  async #parts(latents, labels, step, wanted, shown) {
    for (let first = 0; first < latents.length; first += PART) {
      while (this.#urgent) await new Promise((resolve) => this.#free.push(resolve));
      if (!wanted()) return false;
      const part = latents.slice(first, first + PART);
      const size = part[0].length;
      const joined = new Float32Array(part.length * size);
      part.forEach((latent, i) => joined.set(latent, i * size));
      const told = labels && Int32Array.from(labels.slice(first, first + PART));
      const { pixels } = await this.#backend.draw(joined, told, step);
      if (!wanted()) return false;
      part.forEach((_, i) => shown(first + i, pixels, i));
    }
    return true;
  }
}
