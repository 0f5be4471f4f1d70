/**
 * The mathematics of latents: truncation, directions, great circles, planes, walks.
 *
 * Latents are Float32Array [size], standard normal; what moves between them goes on great circles, where the points
 * between have the length of normal ones (White 2016, "Sampling generative networks").
 */

const STRAIGHT = 1e-4; // the sine of an angle at which a great circle is as good as straight, or could be any

/** Row `index` of latents [count * size], a view. */
export function row(latents, index, size) {
  return latents.subarray(index * size, (index + 1) * size);
}

/** Rows as one array [count * size]. */
export function stacked(rows) {
  const size = rows.length ? rows[0].length : 0;
  const all = new Float32Array(rows.length * size);
  rows.forEach((one, index) => all.set(one, index * size));
  return all;
}

/** Latents times psi, 0 to 1: nearer to the mean image, and less various. */
export function truncated(latent, psi) {
  return latent.map((value) => value * psi);
}

/**
 * A latent moved along directions: `amounts[i]` standard deviations along `directions[i].vector`, which have length 1.
 */
export function moved(latent, directions, amounts) {
  const sum = Float64Array.from(latent);
  directions.forEach(({ vector }, index) => {
    const amount = amounts[index] || 0;
    if (amount) for (let i = 0; i < sum.length; i++) sum[i] += amount * vector[i];
  });
  return Float32Array.from(sum);
}

/** The latent a `share`, 0 to 1, of the way from one to another on their great circle; its ends are those two. */
export function between(from, to, share) {
  if (share <= 0) return Float32Array.from(from);
  if (share >= 1) return Float32Array.from(to);
  let [inner, one, other] = [0, 0, 0];
  for (let i = 0; i < from.length; i++) {
    inner += from[i] * to[i];
    one += from[i] * from[i];
    other += to[i] * to[i];
  }
  const cosine = Math.min(1, Math.max(-1, inner / (Math.sqrt(one * other) || 1)));
  const [angle, sine] = [Math.acos(cosine), Math.sin(Math.acos(cosine))];
  const straight = sine < STRAIGHT;
  const weights = straight
    ? [1 - share, share]
    : [(1 - share) * angle, share * angle].map((part) => Math.sin(part) / sine);
  return Float32Array.from(from, (value, i) => weights[0] * value + weights[1] * to[i]);
}

/**
 * The latent at (x, y), each 0 to 1, of the plane between two or four corners: top left, top right, bottom left, bottom
 * right. Between two corners y says nothing.
 */
export function onPlane(corners, x, y) {
  const top = between(corners[0], corners[1], x);
  return corners.length < 4 ? top : between(top, between(corners[2], corners[3], x), y);
}

/** The latent at `time` on the closed walk through `stops`: stop i at the time i, the first again at their number. */
export function onWalk(stops, time) {
  const at = ((time % stops.length) + stops.length) % stops.length;
  const leg = Math.min(Math.floor(at), stops.length - 1);
  return between(stops[leg], stops[(leg + 1) % stops.length], at - leg);
}
