/**
 * The Backend of the page in a web export, where no Python runs: the generator is computed in the browser.
 */

import { bytes, checkBrowser, fetched, Obstacle, runtime } from "./litert_loading.js";
import { fastest, NO_CLASS, quantize } from "./litert_model.js";
import { latents } from "./philox.js";

const AT_A_STRETCH = 12; // milliseconds of drawing before the page has its turn

let opened = null;

/**
 * Loads the facts, the runtime and the model, once for a page.
 *
 * @param {(line: string) => void} [tell] is called with what is being loaded
 * @returns {Promise<object>} the Backend: facts, latents, draw, watch
 * @throws {Obstacle} where the page cannot work here, with a line that says why
 */
export function open(tell = () => {}) {
  return (opened ??= load(tell));
}

async function load(tell) {
  checkBrowser();
  const facts = await (await fetched("facts.json")).json();
  const said = []; // by the runtime, for when it fails
  try {
    const module = await runtime(facts, tell, said);
    const model = await bytes("model.tflite", "the model", facts, tell);
    tell("Preparing the model");
    return backend(facts, await fastest(module, model, facts));
  } catch (error) {
    if (error instanceof Obstacle) throw error;
    console.error(said.join("\n"));
    throw new Obstacle(`The model cannot be run in this browser: ${error.message ?? error}`, { cause: error });
  }
}

function backend(facts, drawer) {
  const size = facts.latent_size, image = facts.image_shape.reduce((a, b) => a * b);
  let last = Promise.resolve(), rested = performance.now();

  /** One picture after the other, whoever asked: a drag waits for one of a grid, and not for all. */
  function inTurn(latent, label) {
    const levels = last.then(async () => {
      if (performance.now() - rested > AT_A_STRETCH) {
        await turnOfThePage();
        rested = performance.now();
      }
      return drawer.draw(latent, label);
    });
    last = levels.catch(() => {}); // a failure is told to whom it concerns, and to nobody else
    return levels;
  }

  return {
    facts: { ...facts, directions: facts.directions.map((each) => ({ ...each, vector: Float32Array.from(each.vector) })) },
    latents: async (seed, first, count) => latents(seed, first, count, size),
    async draw(points, labels) {
      const count = points.length / size, pixels = new Uint8ClampedArray(count * image);
      for (let i = 0; i < count; i++) {
        const levels = await inTurn(points.subarray(i * size, (i + 1) * size), labels ? labels[i] : NO_CLASS);
        quantize(levels, pixels.subarray(i * image, (i + 1) * image));
      }
      return { pixels, step: facts.step };
    },
    watch() {}, // nothing changes here
    get computes() {
      return drawer.name;
    },
  };
}

/** Lets what waits for the page happen; setTimeout would take four milliseconds for it. */
function turnOfThePage() {
  return new Promise((resolve) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      channel.port1.close();
      resolve();
    };
    channel.port2.postMessage(null);
  });
}
