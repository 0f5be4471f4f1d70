/** The walk from the picture through the samples that follow it and back, played or by hand. */

import { find, onRange, wantsLittleMotion } from "./elements.js";
import { short, WALK_STOPS } from "./view.js";

const SECONDS = 2; // from stop to stop
const STILL = 1500; // milliseconds that each stop is shown where little motion is wanted

/** Runs the section. */
export function walk({ view }) {
  const [button, range] = ["play", "time"].map(find);
  let playing = false;
  let before = 0;

  function frame(now) {
    if (!playing) return;
    const little = wantsLittleMotion();
    const passed = now - before;
    if (!little || passed >= STILL) {
      const time = little ? Math.floor(view.state.time) + 1 : view.state.time + passed / (1000 * SECONDS);
      before = now;
      view.change({ time: short(time % WALK_STOPS) });
    }
    requestAnimationFrame(frame);
  }

  function play(on) {
    if (playing === on) return;
    playing = on;
    button.textContent = on ? "Pause" : "Play";
    button.setAttribute("aria-pressed", String(on));
    if (on) {
      before = performance.now();
      requestAnimationFrame(frame);
    } else view.settle("walk");
  }

  function show() {
    range.value = String(view.state.time);
    range.setAttribute("aria-valuetext", `${Math.round((100 * view.state.time) / WALK_STOPS)} % of the walk`);
  }

  range.max = String(WALK_STOPS);
  button.addEventListener("click", () => play(!playing));
  onRange(
    range,
    (time) => {
      play(false);
      view.change({ time });
    },
    () => view.settle("walk"),
  );
  view.listen((changed) => {
    if (playing && (changed.has("chosen") || changed.has("planar"))) play(false);
    show();
  });
  document.addEventListener("visibilitychange", () => document.hidden && play(false));
  show();
}
