/** A slider for each direction, in standard deviations. */

import { find, made, onRange, percent } from "./elements.js";
import { LARGEST_MOVE } from "./view.js";

/** Runs the section. */
export function sliders({ view }) {
  const place = find("sliders");
  let rows = [];

  const moves = (i, amount) => view.state.moves.map((one, at) => (at === i ? amount : one));

  function slider({ name, share }, i) {
    const range = made("input", {
      type: "range",
      id: `direction-${i}`,
      min: -LARGEST_MOVE,
      max: LARGEST_MOVE,
      step: 0.05,
    });
    const output = made("output", { for: range.id });
    onRange(
      range,
      (amount) => view.change({ moves: moves(i, amount) }),
      () => view.settle(`direction ${i}`),
    );
    range.addEventListener("dblclick", () => view.set({ moves: moves(i, 0) }, `direction ${i}`));
    const label = made(
      "label",
      { for: range.id },
      `${name} `,
      made("span", { className: "quiet", textContent: `(${percent(share)})` }),
    );
    place.append(label, range, output);
    return { range, output, label };
  }

  function build() {
    place.replaceChildren();
    rows = view.facts.directions.map(slider);
  }

  function show() {
    rows.forEach(({ range, output }, i) => {
      const amount = view.state.moves[i];
      if (Number(range.value) !== amount) range.value = String(amount);
      output.textContent = `${amount < 0 ? "−" : amount > 0 ? "+" : ""}${Math.abs(amount).toFixed(2)}`;
    });
    find("reset").disabled = !view.state.moves.some(Boolean);
  }

  function name() {
    view.facts.directions.forEach(({ share }, i) => (rows[i].label.lastChild.textContent = `(${percent(share)})`));
  }

  find("reset").addEventListener("click", () => view.set({ moves: view.state.moves.map(() => 0) }, "reset"));
  view.listen((changed) => {
    if (changed.has("facts")) name();
    show();
  });
  build();
  show();
}
