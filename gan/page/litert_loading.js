/**
 * What a web export loads: its files, with word of how far they are, and the runtime that they belong to.
 */

const MEGABYTE = 1e6;
const TOLD = 10; // times that a person hears how much of a file is there
const RUNTIME = "runtime/";
const VARIANTS = { relaxed: "litert_wasm_internal", compatible: "litert_wasm_compat_internal" };

/** The smallest module with a vector instruction: engines without SIMD refuse it. */
const SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/** What hinders the page, in a line for the person who reads it. */
export class Obstacle extends Error {}

/** Throws an Obstacle where the page cannot work at all. */
export function checkBrowser() {
  if (location.protocol === "file:") {
    throw new Obstacle("Serve this folder by a web server, such as python3 -m http.server, and open the address of that.");
  }
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(SIMD)) {
    throw new Obstacle("This browser has no WebAssembly with SIMD, which the model needs: use a newer one.");
  }
}

/**
 * A file of the folder as the server answers it.
 *
 * @param {string} name its path in the folder
 * @returns {Promise<Response>}
 */
export async function fetched(name) {
  let response;
  try {
    response = await fetch(new URL(name, import.meta.url));
  } catch (error) {
    throw new Obstacle(`${name} cannot be loaded: the server does not answer. Reload the page to try again.`, { cause: error });
  }
  if (!response.ok) {
    throw new Obstacle(`${name} cannot be loaded: the server answers ${response.status}. Is the whole folder there?`);
  }
  return response;
}

/**
 * The bytes of a file of the folder.
 *
 * @param {string} name its path in the folder
 * @param {string} what the same in words
 * @param {object} facts know its size: a server that sends it packed tells another one
 * @param {(line: string) => void} tell hears how much is there
 * @returns {Promise<Uint8Array>}
 */
export async function bytes(name, what, facts, tell) {
  const total = facts.bytes[name], whole = new Uint8Array(total), reader = (await fetched(name)).body.getReader();
  let count = 0, told = -1;
  for (;;) {
    const { done, value } = await reader.read().catch((error) => {
      throw new Obstacle(`${name} was cut off while it was loaded. Reload the page to try again.`, { cause: error });
    });
    if (done) break;
    if (count + value.length <= total) whole.set(value, count);
    count += value.length;
    if (Math.floor((count / total) * TOLD) === told) continue;
    told = Math.floor((count / total) * TOLD);
    tell(`Loading ${what}: ${(count / MEGABYTE).toFixed(1)} of ${(total / MEGABYTE).toFixed(1)} MB`);
  }
  if (count !== total) throw new Obstacle(`${name} has ${count} bytes in the place of ${total}: copy the whole folder again.`);
  return whole;
}

/**
 * LiteRT.js, loaded and started in the variant that this browser can run.
 *
 * @param {object} facts know the sizes
 * @param {(line: string) => void} tell hears how much is there
 * @param {string[]} said takes what the runtime says of itself, which belongs on no console while all is well
 * @returns {Promise<object>} its module
 */
export async function runtime(facts, tell, said) {
  const module = await import(`./${RUNTIME}litert.js`).catch((error) => missing(`${RUNTIME}litert.js`, error));
  const variant = (await module.supportsFeature("relaxedSimd")) ? VARIANTS.relaxed : VARIANTS.compatible;
  const wasmBinary = await bytes(`${RUNTIME}${variant}.wasm`, "the runtime", facts, tell);
  tell("Starting the runtime");
  const keep = (line) => said.push(line);
  globalThis.Module = { wasmBinary, print: keep, printErr: keep }; // its loader takes its settings from here
  const loader = `${RUNTIME}${variant}.js`;
  await module.loadLiteRt(new URL(loader, import.meta.url).href).catch((error) => {
    if (error instanceof Event) missing(loader, error); // that is all a browser says of a script
    throw error;
  });
  return module;
}

function missing(name, cause) {
  throw new Obstacle(`${name} cannot be loaded. Is the whole folder there?`, { cause });
}
