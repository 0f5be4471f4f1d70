/**
 * The latents of a seed, as the engine draws them: latent number i of a seed is the same here and in bin/sample.
 *
 * Counter-based random numbers (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): Philox4x32-10, whose
 * key is the seed and whose counter is the address of a number. The addresses are those of gan/core/rng.py, the streams
 * those of gan/sampling/sampler.py.
 */

const WORDS = 4; // 32-bit words that one counter value yields
const ROUNDS = 10;
const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57];
const WEYL = [0x9e3779b9, 0xbb67ae85];
const SAMPLE_STEP = -2n; // the step that names the random numbers of samples
const LATENTS_PATH = 1n; // the stream of latents below it
const PATH_BITS = 24n;
const RESOLUTION = 2 ** -23;
const SMALLEST = Math.fround(1e-7); // a logarithm needs it
const TWO_PI = Math.fround(2 * Math.PI);

/**
 * Standard normal latents, within 1e-5 of those of the engine: its sine and logarithm round otherwise.
 *
 * @param {number|bigint|string} seed whole, from 0 to 2^63 - 1; beyond 2^53 as a bigint or in digits
 * @param {number|bigint} first number of the first latent
 * @param {number} count how many latents
 * @param {number} size numbers of each
 * @returns {Float32Array} [count * size], one latent after the other
 */
export function latents(seed, first, count, size) {
  const blocks = Math.ceil(size / WORDS);
  const key = halves(BigInt(seed));
  const [c2, c3] = halves(SAMPLE_STEP * (1n << PATH_BITS) + LATENTS_PATH);
  const drawn = new Float32Array(count * size);
  const words = new Uint32Array(WORDS);
  let counter = BigInt(first) * BigInt(blocks);
  for (let i = 0; i < count; i++) {
    for (let at = 0; at < size; at += WORDS, counter++) {
      const [c0, c1] = halves(counter);
      philox(words, c0, c1, c2, c3, key[0], key[1]);
      for (let pair = 0; pair < WORDS && at + pair < size; pair += 2) {
        const [sine, cosine] = normalPair(words[pair], words[pair + 1]);
        drawn[i * size + at + pair] = sine;
        if (at + pair + 1 < size) drawn[i * size + at + pair + 1] = cosine;
      }
    }
  }
  return drawn;
}

/** The lower and the upper 32 bits of a 64-bit integer. */
function halves(value) {
  return [Number(BigInt.asUintN(32, value)), Number(BigInt.asUintN(32, value >> 32n))];
}

/** Writes the four words of a counter [c0, c1, c2, c3] under a key [k0, k1]. */
function philox(words, c0, c1, c2, c3, k0, k1) {
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = highProduct(MULTIPLIERS[0], c0), low0 = Math.imul(MULTIPLIERS[0], c0);
    const high1 = highProduct(MULTIPLIERS[1], c2), low1 = Math.imul(MULTIPLIERS[1], c2);
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1 >>> 0, (high0 ^ c3 ^ k1) >>> 0, low0 >>> 0];
    k0 = (k0 + WEYL[0]) >>> 0;
    k1 = (k1 + WEYL[1]) >>> 0;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

/** The upper 32 bits of the product of two unsigned 32-bit numbers, by halves: a double holds 53 bits only. */
function highProduct(a, b) {
  const a0 = a & 0xffff, a1 = a >>> 16, b0 = b & 0xffff, b1 = b >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16); // below 2^32
  const other = a0 * b1 + (middle & 0xffff);
  return (a1 * b1 + Math.floor(middle / 65536) + Math.floor(other / 65536)) >>> 0;
}

/** Two standard normal numbers of two words (Box & Muller 1958), each operation rounded to float32 as in the engine. */
function normalPair(first, second) {
  const radius = Math.fround(Math.sqrt(Math.fround(-2 * Math.fround(Math.log(Math.max(unit(first), SMALLEST))))));
  const angle = Math.fround(TWO_PI * unit(second));
  return [Math.fround(radius * Math.fround(Math.sin(angle))), Math.fround(radius * Math.fround(Math.cos(angle)))];
}

/** The lower 23 bits of a word as a number in [0, 1), exact in float32. */
function unit(word) {
  return (word & 0x7fffff) * RESOLUTION;
}
