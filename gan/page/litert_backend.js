/**
 * The generator in the browser: the Backend of the page in a web export, where no Python runs.
 *
 * LiteRT.js (runtime/) computes model.tflite by WebAssembly, or on the GPU where that is faster and draws the same.
 * Whatever computes is held to pictures of the exporter (`check` in facts.json) before it may draw.
 */

import { latents } from "./philox.js";

const MODEL = "model.tflite";
const RUNTIME = "runtime/";
const VARIANTS = { relaxed: "litert_wasm_internal", compatible: "litert_wasm_compat_internal" };
const TOLERANCE = 1; // levels of 255 by which a pixel may differ from the exporter's
const AT_A_STRETCH = 12; // milliseconds of drawing before the page has its turn
const TIMED = 3; // drawings by which WebAssembly and the GPU are compared
const MEGABYTE = 1e6;
const NO_CLASS = -1;

/** The smallest module with a vector instruction: engines without SIMD refuse it. */
const SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/** What hinders the page, in a line for the person who reads it. */
export class Obstacle extends Error {}

/**
 * Loads the facts, the runtime and the model.
 *
 * @param {(line: string) => void} [tell] is called with what is being loaded
 * @returns {Promise<object>} the Backend: facts, latents, draw, watch
 */
export async function open(tell = () => {}) {
  checkBrowser();
  const facts = await (await fetched("facts.json")).json();
  const said = []; // what the runtime says of itself, for when it fails
  try {
    const { runtime, model } = await loaded(facts, tell, said);
    return backend(facts, await chosen(runtime, model, facts, tell));
  } catch (error) {
    if (error instanceof Obstacle) throw error;
    console.error(said.join("\n"));
    throw new Obstacle(`The model cannot be run in this browser: ${error.message ?? error}`, { cause: error });
  }
}

function checkBrowser() {
  if (location.protocol === "file:") {
    throw new Obstacle("Serve this folder by a web server, such as python3 -m http.server, and open the address of that.");
  }
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(SIMD)) {
    throw new Obstacle("This browser has no WebAssembly with SIMD, which the model needs: use a newer one.");
  }
}

function backend(facts, draw) {
  const size = facts.latent_size, image = facts.image_shape.reduce((a, b) => a * b);
  let last = Promise.resolve(); // the runtime computes one picture at a time

  async function drawn(points, labels) {
    const count = points.length / size, pixels = new Uint8ClampedArray(count * image);
    let since = performance.now();
    for (let i = 0; i < count; i++) {
      if (performance.now() - since > AT_A_STRETCH) {
        await turnOfThePage();
        since = performance.now();
      }
      const levels = await draw(points.subarray(i * size, (i + 1) * size), labels ? labels[i] : NO_CLASS);
      quantize(levels, pixels.subarray(i * image, (i + 1) * image));
    }
    return { pixels, step: facts.step };
  }

  return {
    facts: { ...facts, directions: facts.directions.map((each) => ({ ...each, vector: Float32Array.from(each.vector) })) },
    latents: async (seed, first, count) => latents(seed, first, count, size),
    draw(points, labels) {
      const result = last.then(() => drawn(points, labels));
      last = result.catch(() => {}); // one failure is told to whom it concerns, and no other
      return result;
    },
    watch() {}, // nothing changes here
  };
}

/** Levels in [0, 1] as bytes, rounded as the engine does; the array itself rounds ties to even, and NaN to 0. */
function quantize(levels, pixels) {
  for (let i = 0; i < levels.length; i++) pixels[i] = Math.fround(levels[i] * 255);
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

// Loading

async function fetched(name) {
  let response;
  try {
    response = await fetch(new URL(name, import.meta.url));
  } catch (error) {
    throw new Obstacle(`${name} cannot be loaded: the server does not answer. Reload the page to try again.`, { cause: error });
  }
  if (!response.ok) {
    throw new Obstacle(`${name} cannot be loaded: the server answers ${response.status}. Was the whole folder copied there?`);
  }
  return response;
}

/** A file's bytes; `tell` hears how many there are so far. The total is the facts': a server may send them packed. */
async function bytes(name, what, facts, tell) {
  const reader = (await fetched(name)).body.getReader(), total = facts.bytes[name], parts = [];
  let count = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    count += value.length;
    tell(`Loading ${what}: ${(count / MEGABYTE).toFixed(1)} of ${(total / MEGABYTE).toFixed(1)} MB`);
  }
  if (count !== total) throw new Obstacle(`${name} has ${count} bytes in the place of ${total}: copy the whole folder again.`);
  const whole = new Uint8Array(count);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

async function loaded(facts, tell, said) {
  const runtime = await import(`./${RUNTIME}litert.js`);
  const variant = (await runtime.supportsFeature("relaxedSimd")) ? VARIANTS.relaxed : VARIANTS.compatible;
  const wasmBinary = await bytes(`${RUNTIME}${variant}.wasm`, "the runtime", facts, tell);
  const model = await bytes(MODEL, "the model", facts, tell);
  tell("Starting the runtime");
  const keep = (line) => said.push(line);
  globalThis.Module = { wasmBinary, print: keep, printErr: keep }; // the runtime's loader takes its settings from here
  await runtime.loadLiteRt(new URL(`${RUNTIME}${variant}.js`, import.meta.url).href);
  return { runtime, model };
}

// What computes

/** The function (latent, label) -> levels of the fastest way that draws what the exporter drew. */
async function chosen(runtime, model, facts, tell) {
  const size = facts.latent_size, check = { ...facts.check, pixels: decoded(facts.check.pixels) };
  const points = latents(check.seed, 0, check.count, size);
  const examples = Array.from({ length: check.count }, (_, i) => [
    points.subarray(i * size, (i + 1) * size), check.labels ? check.labels[i] : NO_CLASS,
  ]);
  tell("Preparing the model");
  const processor = await compiled(runtime, model, { accelerator: "wasm" });
  const difference = await deviation(processor.draw, examples, check.pixels);
  if (difference > TOLERANCE) {
    throw new Obstacle(
      `The model draws other pictures here than where it was exported, by ${difference} of 255 levels: copy the folder ` +
        "again, or try another browser.",
    );
  }
  const graphics = await onGpu(runtime, model, examples, check.pixels);
  if (!graphics) return processor.draw;
  if ((await seconds(processor.draw, examples)) <= (await seconds(graphics.draw, examples))) {
    graphics.release();
    return processor.draw;
  }
  return orElse(graphics.draw, processor.draw);
}

/** The model on the GPU, or null where there is none, or not all of it can be computed there, or as it should be. */
async function onGpu(runtime, model, examples, pixels) {
  if (!runtime.getWebGpuDevice()) return null;
  let graphics = null;
  try {
    graphics = await compiled(runtime, model, { accelerator: "webgpu", gpuOptions: { precision: "fp32" } });
    if (graphics.accelerated && (await deviation(graphics.draw, examples, pixels)) <= TOLERANCE) return graphics;
  } catch (error) {
    console.info(`WebGPU is not used: ${error.message ?? error}`);
  }
  graphics?.release();
  return null;
}

/** Draws by `first` until that fails, as when a GPU is taken away, and by `second` from then on. */
function orElse(first, second) {
  let draw = first;
  return async (point, label) => {
    try {
      return await draw(point, label);
    } catch (error) {
      if (draw === second) throw error;
      console.info(`WebGPU is not used any more: ${error.message ?? error}`);
      draw = second;
      return draw(point, label);
    }
  };
}

async function compiled(runtime, model, options) {
  const network = await runtime.loadAndCompile(model, options);
  const inputs = network.getInputDetails();

  async function draw(point, label) {
    const tensors = inputs.map(({ dtype, shape }) => {
      const values = dtype === "int32" ? Int32Array.of(label) : point;
      return new runtime.Tensor(values, Array.from(shape));
    });
    const outputs = [];
    try {
      outputs.push(...(await network.run(tensors)));
      return await outputs[0].data();
    } finally {
      for (const tensor of [...tensors, ...outputs]) tensor.delete();
    }
  }

  // Where the GPU cannot do all of it the runtime may have taken WebAssembly in its place.
  const accelerated = network.options.accelerator === options.accelerator && network.isFullyAccelerated;
  return { draw, accelerated, release: () => network.delete() };
}

/** The most by which a pixel of the examples differs from what the exporter drew, in levels. */
async function deviation(draw, examples, pixels) {
  let most = 0, at = 0;
  for (const [point, label] of examples) {
    const levels = await draw(point, label), own = new Uint8ClampedArray(levels.length);
    quantize(levels, own);
    for (const value of own) most = Math.max(most, Math.abs(value - pixels[at++]));
  }
  return at === pixels.length ? most : Infinity;
}

/** What one drawing takes, the fastest of a few: the first ones prepare more than they draw. */
async function seconds(draw, examples) {
  let least = Infinity;
  for (let i = 0; i < TIMED; i++) {
    const start = performance.now();
    await draw(...examples[0]);
    least = Math.min(least, performance.now() - start);
  }
  return least / 1000;
}

/** The bytes of a text in base64. */
function decoded(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
