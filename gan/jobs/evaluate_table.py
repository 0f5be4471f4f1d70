"""The table of evaluations that bin/evaluate prints: a row a metric, a column an evaluation, and the floor."""

from collections.abc import Sequence

from gan.evaluation.comparison import Reference
from gan.evaluation.record import Evaluation
from gan.metrics.suite import BETTER, SHARE

_WAYS = {1: "more is better", -1: "less is better", 0: ""}
_NAME, _CELL = 36, 14


def table(evaluations: Sequence[Evaluation], reference: Reference, titles: Sequence[str]) -> list[str]:
    """The lines of the table of evaluations against one reference under `titles`; what the figures mean first."""
    shown = {name: None for each in evaluations for name in each.metrics}  # in order
    floor = {**{name: value for each in evaluations for name, value in each.floor.items()}, **reference.floor}
    lines = [
        f"features  {reference.extractor.title}",
        f"images    {reference.sizes}",
        f"floor     {reference.floor_sizes}; k = {reference.k}",
        "",
        _line("", [*titles, "floor"]),
        _line("images", [f"{each.key.num:,}" for each in evaluations] + [f"{reference.floor_num:,}"]),
    ]
    samples = {each.score_samples for each in evaluations if each.score_samples}
    if samples:
        counts = " and ".join(f"{count:,}" for count in sorted(samples))
        lines.insert(
            3, f"score     classification accuracy after {counts} generated images; floor: the real training images"
        )
    for name in shown:
        cells = [_number(each.metrics.get(name), name) for each in evaluations]
        cells.append(_number(floor.get(name), name))
        lines.append(f"{_line(name, cells)}  {_WAYS[BETTER.get(name, 0)]}".rstrip())
    return lines + _degenerate(evaluations, titles)


def _degenerate(evaluations: Sequence[Evaluation], titles: Sequence[str]) -> list[str]:
    """A line for each evaluation whose figures do not mean what they say."""
    told = [(title, each.degenerate) for title, each in zip(titles, evaluations, strict=True) if each.degenerate]
    return [""] * bool(told) + [f"DEGENERATE  {title}: {text}" for title, text in told]


def _line(name: str, cells: list[str]) -> str:
    return name.ljust(_NAME) + "".join(cell.rjust(_CELL) for cell in cells)


def _number(value: float | None, name: str) -> str:
    """A figure with as many digits as mean something; a dash where there is none."""
    if value is None:
        return "-"
    value += 0.0  # no minus before a zero
    if name.startswith(SHARE):
        return f"{value:.1%}"
    if name.startswith("kernel"):
        return f"{value:.3g}"
    return f"{value:.4f}" if abs(value) < 10 else f"{value:.2f}"
