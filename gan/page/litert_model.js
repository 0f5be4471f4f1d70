/**
 * The generator as LiteRT.js computes it: by WebAssembly, or on the GPU where that is faster and draws the same.
 *
 * Whatever computes is held to pictures that the exporter drew (`check` of facts.json) before it may draw others.
 */

import { Obstacle } from "./litert_loading.js";
import { latents } from "./philox.js";

const TOLERANCE = 1; // levels of 255 by which a pixel may differ from the exporter's
const TIMED = 5; // drawings by which WebAssembly and the GPU are compared
const QUICK = 5; // milliseconds of a drawing below which a GPU, asked for one picture at a time, has nothing to gain
export const NO_CLASS = -1;

/**
 * @typedef {object} Drawer
 * @property {string} name "WebAssembly" or "WebGPU"
 * @property {(latent: Float32Array, label: number) => Promise<Float32Array>} draw the levels of a picture, in [0, 1]
 * @property {() => void} release
 */

/**
 * The fastest Drawer that draws what the exporter drew.
 *
 * @param {object} runtime the module of LiteRT.js, started
 * @param {Uint8Array} model
 * @param {object} facts
 * @returns {Promise<Drawer>}
 */
export async function fastest(runtime, model, facts) {
  const examples = examplesOf(facts);
  const processor = await onProcessor(runtime, model);
  const difference = await deviation(processor, examples);
  if (!(difference <= TOLERANCE)) {
    throw new Obstacle(
      "The model draws other pictures here than where it was exported: copy the whole folder again, or try another browser.",
    );
  }
  const taken = await milliseconds(processor, examples);
  const graphics = taken < QUICK ? null : await onGraphics(runtime, model, examples);
  if (!graphics) return processor;
  if (taken <= (await milliseconds(graphics, examples))) {
    graphics.release();
    return processor;
  }
  return orElse(graphics, processor);
}

/** The Drawer that computes by WebAssembly; see `fastest` for the arguments. */
function onProcessor(runtime, model) {
  return compiled(runtime, model, "WebAssembly", { accelerator: "wasm" });
}

/** The Drawer that computes on the GPU; null where there is none, or not all can be computed there, or not rightly. */
export async function onGraphics(runtime, model, examples) {
  if (!runtime.isWebGPUSupported()) return null;
  let graphics = null;
  try {
    const environment = await runtime.Environment.create();
    if (!environment.webGpuDevice) return null;
    const options = { environment, accelerator: "webgpu", gpuOptions: { precision: "fp32" } };
    graphics = await compiled(runtime, model, "WebGPU", options);
    if (graphics.isComplete && (await deviation(graphics, examples)) <= TOLERANCE) return graphics;
  } catch (error) {
    console.info(`WebGPU is not used: ${error.message ?? error}`);
  }
  graphics?.release();
  return null;
}

/** The latents and labels of the pictures by which a Drawer is checked, and their pixels as the exporter drew them. */
export function examplesOf({ check, latent_size: size }) {
  const points = latents(check.seed, 0, check.count, size), pixels = Uint8Array.from(atob(check.pixels), (c) => c.charCodeAt(0));
  const length = pixels.length / check.count;
  return Array.from({ length: check.count }, (_, i) => ({
    latent: points.subarray(i * size, (i + 1) * size),
    label: check.labels ? check.labels[i] : NO_CLASS,
    pixels: pixels.subarray(i * length, (i + 1) * length),
  }));
}

/** Levels in [0, 1] as bytes, rounded as the engine does: a Uint8ClampedArray rounds ties to even, and NaN to 0. */
export function quantize(levels, pixels) {
  for (let i = 0; i < levels.length; i++) pixels[i] = Math.fround(levels[i] * 255);
}

async function compiled(runtime, model, name, options) {
  const network = await runtime.loadAndCompile(model, options);
  const inputs = network.getInputDetails();

  async function draw(latent, label) {
    const tensors = [], outputs = [];
    try {
      for (const { dtype, shape } of inputs) {
        const values = dtype === "int32" ? Int32Array.of(label) : latent;
        tensors.push(new runtime.Tensor(values, Array.from(shape), options.environment));
      }
      outputs.push(...(await network.run(tensors)));
      return await outputs[0].data();
    } finally {
      for (const tensor of [...tensors, ...outputs]) tensor.delete(); // the runtime's memory has no collector
    }
  }

  // Where the GPU cannot do all of it the runtime may have taken WebAssembly in its place.
  const isComplete = network.options.accelerator === options.accelerator && network.isFullyAccelerated;
  return { name, draw, isComplete, release: () => network.delete() };
}

/** Draws by `first` until that fails, as when a GPU is taken away, and by `second` from then on. */
function orElse(first, second) {
  let used = first;
  return {
    get name() {
      return used.name;
    },
    async draw(latent, label) {
      try {
        return await used.draw(latent, label);
      } catch (error) {
        if (used === second) throw error;
        console.info(`WebGPU is not used any more: ${error.message ?? error}`);
        used = second;
        return used.draw(latent, label);
      }
    },
    release() {
      first.release();
      second.release();
    },
  };
}

/** The most by which a pixel differs from what the exporter drew, in levels. */
async function deviation(drawer, examples) {
  let most = 0;
  for (const { latent, label, pixels } of examples) {
    const levels = await drawer.draw(latent, label), own = new Uint8ClampedArray(levels.length);
    if (levels.length !== pixels.length) return Infinity;
    quantize(levels, own);
    own.forEach((value, i) => (most = Math.max(most, Math.abs(value - pixels[i]))));
  }
  return most;
}

/** What a drawing takes, the fastest of a few: the first ones prepare more than they draw. */
async function milliseconds(drawer, [{ latent, label }]) {
  let least = Infinity;
  for (let i = 0; i < TIMED; i++) {
    const start = performance.now();
    await drawer.draw(latent, label);
    least = Math.min(least, performance.now() - start);
  }
  return least;
}
