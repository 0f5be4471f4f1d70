/** Arrays as a NumPy archive (.npz): a zip file of .npy files, not compressed, which numpy.load reads. */

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? 0xedb88320 ^ (sum >>> 1) : sum >>> 1;
  return sum;
});
const TYPES = new Map([
  [Float32Array, "<f4"],
  [Int32Array, "<i4"],
  [BigInt64Array, "<i8"],
]);
const DATE = 0x21; // 1 January 1980, as zip files count: equal arrays give equal bytes

/** An .npz file of arrays by name: {latents: {data: a typed array, shape: [n, size]}, seed: {data, shape: []}}. */
export function npz(arrays) {
  const files = Object.entries(arrays).map(([name, { data, shape }]) => [`${name}.npy`, npy(data, shape)]);
  return new Blob([zip(files)], { type: "application/zip" });
}

/** A whole number as an array without axes. */
export const scalar = (value) => ({ data: BigInt64Array.of(BigInt(value)), shape: [] });

/** The bytes of an .npy file, version 1.0; typed arrays of all machines that run browsers are little-endian. */
function npy(data, shape) {
  const tuple = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  const words = `{'descr': '${TYPES.get(data.constructor)}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const length = Math.ceil((10 + words.length + 1) / 64) * 64 - 10;
  const bytes = new Uint8Array(10 + length + data.byteLength);
  bytes.set([0x93, ...ascii("NUMPY"), 1, 0, length & 255, length >> 8]);
  bytes.set(ascii(`${words.padEnd(length - 1)}\n`), 10);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + length);
  return bytes;
}

function zip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [name, content] of files) {
    const facts = [...two(20), ...two(0), ...two(0), ...two(0), ...two(DATE), ...four(checksum(content))];
    facts.push(...four(content.length), ...four(content.length), ...two(name.length), ...two(0));
    const header = Uint8Array.from([...four(0x04034b50), ...facts, ...ascii(name)]);
    directory.push([
      ...four(0x02014b50),
      ...two(20),
      ...facts,
      ...two(0),
      ...two(0),
      ...two(0),
      ...four(0),
      ...four(offset),
      ...ascii(name),
    ]);
    parts.push(header, content);
    offset += header.length + content.length;
  }
  const entries = Uint8Array.from(directory.flat());
  const counts = [...two(files.length), ...two(files.length)];
  const end = [
    ...four(0x06054b50),
    ...two(0),
    ...two(0),
    ...counts,
    ...four(entries.length),
    ...four(offset),
    ...two(0),
  ];
  return joined([...parts, entries, Uint8Array.from(end)]);
}

function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function checksum(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = TABLE[(sum ^ byte) & 255] ^ (sum >>> 8);
  return ~sum >>> 0;
}

const ascii = (text) => [...text].map((letter) => letter.charCodeAt(0));
const two = (value) => [value & 255, (value >> 8) & 255];
const four = (value) => [...two(value & 0xffff), ...two(value >>> 16)];
