/** The latents of what a view shows: of its samples, its corners, its picture. */

import { moved, onPlane, onWalk, row, truncated } from "./latent_space.js";
import { PER_PAGE, WALK_STOPS } from "./view.js";

const KEPT = 50; // pages of latents

/** Finds latents of views by those of a backend. */
export class Places {
  #backend;
  #pages = new Map(); // by seed and page, in the order of their last use: promises of [PER_PAGE * size]

  constructor(backend, view) {
    this.#backend = backend;
    this.view = view;
  }

  /** The latents of a page of samples as arrays [size], truncated. */
  async page(seed, page, psi) {
    const latents = await this.#page(seed, page);
    return Array.from({ length: PER_PAGE }, (_, i) => truncated(row(latents, i, this.view.facts.latent_size), psi));
  }

  /** The truncated latent of a sample. */
  async sample({ seed, index }, psi) {
    const latents = await this.#page(seed, Math.floor(index / PER_PAGE));
    return truncated(row(latents, index % PER_PAGE, this.view.facts.latent_size), psi);
  }

  /** The class of sample `index` in the grid; null where there are none. */
  label(index, shown) {
    const { classes } = this.view.facts;
    if (!classes.length) return null;
    return shown ?? classes[index % classes.length].number;
  }

  /** The latents of the corners that are there, null for others. */
  corners({ corners, psi }) {
    const { directions } = this.view.facts;
    return Promise.all(corners.map(async (one) => one && moved(await this.sample(one, psi), directions, one.moves)));
  }

  /** The latent of the picture. */
  async picture(state) {
    const start = await this.#start(state);
    const walked = state.time ? onWalk(await this.#stops(state, start), state.time) : start;
    return moved(walked, this.view.facts.directions, state.moves);
  }

  /** The latents of `count` pictures of the whole walk from the picture. */
  async walk(state, count) {
    const stops = await this.#stops(state, await this.#start(state));
    const { directions } = this.view.facts;
    return Array.from({ length: count }, (_, i) =>
      moved(onWalk(stops, (i * WALK_STOPS) / count), directions, state.moves),
    );
  }

  async #start(state) {
    if (!state.planar) return this.sample(state.chosen, state.psi);
    const corners = await this.corners(state);
    return onPlane(corners.filter(Boolean), state.point.x, state.point.y);
  }

  /** The start, and the samples that follow the chosen one. */
  async #stops({ chosen: { seed, index }, psi }, start) {
    const next = Array.from({ length: WALK_STOPS - 1 }, (_, i) => this.sample({ seed, index: index + i + 1 }, psi));
    return [start, ...(await Promise.all(next))];
  }

  #page(seed, page) {
    const name = `${seed}:${page}`;
    const found = this.#pages.get(name) ?? this.#backend.latents(seed, page * PER_PAGE, PER_PAGE);
    this.#pages.delete(name);
    this.#pages.set(name, found);
    found.catch(() => this.#pages.delete(name));
    if (this.#pages.size > KEPT) this.#pages.delete(this.#pages.keys().next().value);
    return found;
  }
}
