/** What can be kept: the picture, the grid and the walk as files, their latents as archives, the view as a link. */

import { npz, scalar } from "./archive.js";
import { find } from "./elements.js";
import { stacked } from "./latent_space.js";
import { gridPng, picturePng } from "./pictures.js";
import { WALK_STOPS } from "./view.js";

const COLUMNS = 8; // of the grid's file
const FRAMES = WALK_STOPS * 16; // of the walk's file

/** Runs the buttons. */
export function saving({ view, places, backend, drawing, grid, picture, tell, stepNow }) {
  const file = (what, ending) => `${view.facts.title.replace(/[^\w.-]+/g, "_")}_step_${stepNow()}_${what}.${ending}`;

  async function latents(rows, labels, seed) {
    const arrays = { latents: { data: stacked(rows), shape: [rows.length, view.facts.latent_size] } };
    if (labels) arrays.labels = { data: Int32Array.from(labels), shape: [labels.length] };
    return npz({ ...arrays, seed: scalar(seed), step: scalar(stepNow()) });
  }

  async function walk() {
    const { state } = view;
    const frames = await places.walk(state, FRAMES);
    const labels = state.label === null ? null : new Int32Array(FRAMES).fill(state.label);
    return backend.animation(stacked(frames), labels, state.step, "gif");
  }

  const own = () => (view.state.label === null ? null : [view.state.label]);
  const files = {
    "save-picture": ["picture", "png", () => picturePng(picture.canvas)],
    "save-latent": ["latent", "npz", async () => latents([await picture.latent()], own(), view.state.chosen.seed)],
    "save-grid": ["grid", "png", () => gridPng(grid.canvases, COLUMNS)],
    "save-latents": ["latents", "npz", async () => latents(await grid.latents(), grid.labels(), view.state.seed)],
    "save-walk": ["walk", "gif", walk],
  };
  for (const [id, [what, ending, make]] of Object.entries(files)) {
    find(id).addEventListener("click", async () => {
      try {
        save(await make(), file(what, ending));
        tell(`Saved: ${file(what, ending)}`);
      } catch (error) {
        tell(error);
      }
    });
  }
  for (const id of ["save-walk", "save-walk-title"]) find(id).hidden = !view.facts.can.animations;
  for (const id of ["save-latent", "save-latents"]) find(id).hidden = !view.facts.can.archives;
  find("link").addEventListener("click", () => copy(view, tell));
}

function save(blob, name) {
  const address = URL.createObjectURL(blob);
  const anchor = document.createElement("a");
  [anchor.href, anchor.download] = [address, name];
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

async function copy(view, tell) {
  view.settle("link");
  try {
    await navigator.clipboard.writeText(location.href);
    tell("The link to this view is on the clipboard.");
  } catch {
    tell("The browser lets no page write to the clipboard: copy the address in its bar, which holds this view.");
  }
}
