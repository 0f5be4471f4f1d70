/** The choice of a checkpoint: the newest, which the page follows, or one of those that are kept. */

import { counted, find, onRange } from "./elements.js";

/** Runs the choice. */
export function steps({ view }) {
  const [range, now] = ["step", "step-now"].map(find);

  function show() {
    const { steps: kept, step: newest, can } = view.facts;
    const chosen = view.state.step ?? newest;
    find("steps").hidden = !can.steps;
    range.max = String(kept.length - 1);
    range.value = String(kept.indexOf(chosen));
    range.disabled = kept.length < 2;
    const words = `${counted(chosen)}${view.state.step === null ? ", the newest" : ""}`;
    now.textContent = words;
    range.setAttribute("aria-valuetext", `step ${words}`);
    find("newest").disabled = view.state.step === null;
  }

  onRange(
    range,
    (place) => view.change({ step: view.facts.steps[place] }),
    () => view.settle("step"),
  );
  find("newest").addEventListener("click", () => view.set({ step: null }));
  view.listen(show);
  show();
}
