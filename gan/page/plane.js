/** The plane between two or four corners: a map of small pictures, and a point on it, dragged or moved by keys. */

import { clamp, counted, find, whileBusy } from "./elements.js";
import { onPlane } from "./latent_space.js";
import { paint } from "./pictures.js";
import { isPlane, short } from "./view.js";

const CELLS = 7; // pictures along a side of the map
const QUIET = 200; // milliseconds without a change after which the map is drawn
const NAMES = ["top left", "top right", "bottom left", "bottom right"];
const REDRAWN_BY = ["corners", "psi", "label", "step", "facts"];
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const [STEP, LEAP] = [0.02, 0.1];

/** Runs the section. */
export function plane({ view, places, drawing, tell }) {
  const [map, canvas, point] = ["map", "map-picture", "point"].map(find);
  const { image_shape: shape, directions } = view.facts;
  const buttons = NAMES.map((_, i) => find(`corner-${i}`));
  let round = 0;

  const isLine = () => !view.state.corners[2] && !view.state.corners[3];
  const rows = () => (isLine() ? 1 : CELLS);

  function put(i) {
    const corner = { ...view.state.chosen, moves: view.state.moves };
    view.set({ corners: view.state.corners.map((one, at) => (at === i ? corner : one)) }, `corner ${i}`);
  }

  function go(x, y) {
    if (!isPlane(view.state.corners)) return; // they were cleared while the point was being dragged
    const to = { x: short(clamp(x, 0, 1)), y: isLine() ? 0 : short(clamp(y, 0, 1)) };
    view.change({
      point: to,
      planar: true,
      time: 0,
      ...(view.state.planar ? {} : { moves: directions.map(() => 0) }),
    });
  }

  /** Goes where the pointer is: the middle of the first cell is 0, that of the last one is 1. */
  function follow(event) {
    const box = map.getBoundingClientRect();
    const part = (at, from, length, cells) => (cells > 1 ? (((at - from) / length) * cells - 0.5) / (cells - 1) : 0);
    go(part(event.clientX, box.left, box.width, CELLS), part(event.clientY, box.top, box.height, rows()));
  }

  function onKey(event) {
    const move = KEYS[event.key];
    if (!move || event.ctrlKey || event.altKey || event.metaKey || !isPlane(view.state.corners)) return;
    event.preventDefault();
    const by = event.shiftKey ? LEAP : STEP;
    const { x, y } = view.state.point;
    go(x + by * move[0], y + by * move[1]);
    view.settle("plane");
  }

  async function draw(wait) {
    const number = ++round;
    if (wait) await new Promise((resolve) => setTimeout(resolve, QUIET));
    if (number !== round) return;
    const { state } = view;
    const corners = await places.corners(state);
    if (number !== round) return;
    const [height, width] = shape;
    [canvas.width, canvas.height] = [CELLS * width, rows() * height]; // which clears it
    const cells = isPlane(state.corners) ? whole(corners) : single(corners);
    const labels = state.label === null ? null : cells.map(() => state.label);
    await drawing.later(
      cells.map(({ latent }) => latent),
      labels,
      state.step,
      () => number === round,
      (index, pixels, i) => paint(canvas, pixels, shape, i, cells[index].column * width, cells[index].row * height),
    );
  }

  /** Every cell of the map with its latent. */
  function whole(corners) {
    const [there, count] = [corners.filter(Boolean), rows()];
    return Array.from({ length: CELLS * count }, (_, i) => {
      const [row, column] = [Math.floor(i / CELLS), i % CELLS];
      return { row, column, latent: onPlane(there, column / (CELLS - 1), count > 1 ? row / (count - 1) : 0) };
    });
  }

  /** The corners that are there before there is a plane. */
  function single(corners) {
    const at = (i) => ({ row: i < 2 ? 0 : rows() - 1, column: i % 2 ? CELLS - 1 : 0, latent: corners[i] });
    return corners.map((_, i) => at(i)).filter(({ latent }) => latent);
  }

  function show() {
    const { state } = view;
    const ready = isPlane(state.corners);
    buttons.forEach((button, i) => {
      const corner = state.corners[i];
      button.textContent = corner ? `Sample ${counted(corner.index)}` : "Put picture here";
      const action = corner ? ", replace it by the picture" : "";
      button.setAttribute("aria-label", `${button.textContent}: ${NAMES[i]} corner${action}`);
      button.classList.toggle("taken", Boolean(corner));
      button.disabled = state.planar || state.time !== 0; // a corner is a sample, moved or not
      button.title = button.disabled ? "Only a sample can be a corner, not a picture on the plane or on a walk." : "";
    });
    find("clear").disabled = !state.corners.some(Boolean);
    map.classList.toggle("line", isLine());
    map.classList.toggle("empty", !state.corners.some(Boolean));
    point.hidden = !ready;
    point.classList.toggle("active", state.planar);
    const [x, y] = [state.point.x, isLine() ? 0 : state.point.y];
    point.style.left = `${(100 * (x * (CELLS - 1) + 0.5)) / CELLS}%`;
    point.style.top = `${(100 * (y * (rows() - 1) + 0.5)) / rows()}%`;
    point.setAttribute("aria-valuenow", String(Math.round(100 * x)));
    point.setAttribute(
      "aria-valuetext",
      `${Math.round(100 * x)} % across${isLine() ? "" : `, ${Math.round(100 * y)} % down`}`,
    );
  }

  buttons.forEach((button, i) => button.addEventListener("click", () => put(i)));
  find("clear").addEventListener("click", () =>
    view.set({ corners: [null, null, null, null], planar: false }, "clear"),
  );
  map.addEventListener("pointerdown", (event) => {
    if (!isPlane(view.state.corners) || event.button) return;
    event.preventDefault();
    map.setPointerCapture(event.pointerId);
    point.focus({ preventScroll: true });
    follow(event);
  });
  map.addEventListener("pointermove", (event) => map.hasPointerCapture(event.pointerId) && follow(event));
  map.addEventListener("pointerup", () => view.settle("plane"));
  map.addEventListener("pointercancel", () => view.settle("plane"));
  point.addEventListener("keydown", onKey);
  view.listen((changed) => {
    show();
    if (REDRAWN_BY.some((name) => changed.has(name))) whileBusy(map, draw(!changed.has("corners")), tell);
  });
  show();
  whileBusy(map, draw(false), tell);
}
