"""What bin/bench found, as tables for people and as values for JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from gan.bench.convolution_work import Work
from gan.bench.lanes import Lanes
from gan.bench.limit import Limit
from gan.bench.parts import Parts
from gan.bench.windows import Timing
from gan.build import Numerics


def as_json(value: Any) -> Any:
    """A nest of NamedTuples, dicts and lists with the names of the fields kept."""
    if hasattr(value, "_asdict"):
        return {name: as_json(part) for name, part in value._asdict().items()}
    if isinstance(value, Mapping):
        return {str(name): as_json(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(part) for part in value]
    return value


def heading(report: Mapping[str, Any], numerics: Numerics) -> str:
    """What was measured, in two lines."""
    machine, versions = report["machine"], report["versions"]
    packages = versions | {k: v for facts in report["references"].values() for k, v in facts["versions"].items()}
    listed = ", ".join(f"{name} {version}" for name, version in packages.items())
    computes = f"{numerics.precision}, {numerics.convolution} convolutions" + ", XLA" * numerics.jit_compile
    return (
        f"{machine['devices']}, {machine['threads']} threads; {listed}\n"
        f"{report['settings']['preset']}, {report['data']}, batch {report['settings']['batch_size']}; {computes}; "
        f"windows of {report['window_steps']} steps"
    )


def timings(of: Mapping[str, Timing], images: Mapping[str, int], most_seconds: float, names: Sequence[str]) -> str:
    """A line for each contestant; speeds are images a second against the first, paired within rounds."""
    width = max([22, *map(len, names)]) + 2
    first = images[names[0]]
    lines = [
        f"{'':<{width}}{'seconds a step':>27}{'':>20}{'speed':>25}",
        f"{'settings':<{width}}{'least':>9}{'median':>9}{'greatest':>9}{'images/s':>10}{'windows':>10}"
        f"{'least':>8}{'median':>8}{'greatest':>9}",
    ]
    for name in names:
        if name not in of:
            lines.append(f"{name:<{width}}  not one window within --contestant_seconds={most_seconds:g}")
            continue
        timing, factor = of[name], images[name] / first
        s, ratio = timing.seconds, [factor * number for number in timing.speedup]
        lines.append(
            f"{name:<{width}}{s.least:>9.3f}{s.median:>9.3f}{s.greatest:>9.3f}{images[name] / s.median:>10.1f}"
            f"{timing.windows:>10}{ratio[0]:>7.2f}x{ratio[1]:>7.2f}x{ratio[2]:>8.2f}x"
        )
        if name != names[0] and ratio[1]:
            lines[-1] += f"   {names[0]}: {1 / ratio[1]:.2f} times as fast"
    return "\n".join(lines)


def parts(shares: Parts, step_seconds: float) -> str:
    """The share of each part that has any; they add up to the profiled step."""
    lines = [f"{'part of a step':<28}{'seconds':>9}{'share':>8}"]
    for name, seconds in shares.seconds.items():
        if seconds or name != "compiled by XLA":
            lines.append(f"{name:<28}{seconds:>9.4f}{seconds / shares.step:>8.1%}")
    lines.append(f"{'together':<28}{shares.step:>9.4f}{sum(shares.seconds.values()) / shares.step:>8.1%}")
    return "\n".join([*lines, f"The profiled step; without the profiler a step took {step_seconds:.4f} s."])


def limit(work: Work, found: Limit, lanes: Lanes) -> str:
    """The convolutions alone, and what they leave of the step; the work is that of one device, rates those of all."""
    numbers = _numbers(work)
    texts = [str(convolution) for convolution, _ in found.alone]
    width = max(map(len, texts)) + 2
    lines = [
        f"{'convolution':<{width}}{'batch':>6}  {'pass':<16}{'times':>7}{'GFLOP':>9}{'ms':>10}{'GFLOP/s':>9}  route"
    ]
    for text, ((convolution, kind), best) in zip(texts, found.alone.items(), strict=True):
        lines.append(
            f"{text:<{width}}{convolution.batch:>6}  {kind:<16}{numbers[convolution, kind]:>7.4g}"
            f"{convolution.flops / 1e9:>9.3f}{1e3 * best.seconds:>10.3f}"
            f"{len(lanes.devices) * convolution.flops / best.seconds / 1e9:>9.0f}  {best.route}"
        )
    values, replicas = limit_json(work, found, lanes), len(lanes.devices)
    shared = f" of {replicas} replicas at once" if replicas > 1 else ""
    shared += f", {lanes.abreast} operations side by side," if lanes.abreast > 1 else ""
    lines += [
        f"The convolutions of a step alone: {values['gflop']:,.2f} GFLOP{shared} in {found.seconds:.4f} s "
        f"({values['gflop'] / found.seconds:,.0f} GFLOP/s).",
        f"A step, timed between them: {found.step:.4f} s, {values['ratio']:.2f} times as long.",
    ]
    return "\n".join(lines)


def limit_json(work: Work, found: Limit, lanes: Lanes) -> dict[str, Any]:
    """The same as values: rows as each replica has them, `gflop` of all replicas."""
    numbers, replicas = _numbers(work), len(lanes.devices)
    gflop = replicas * sum(number * convolution.flops for (convolution, _), number in numbers.items()) / 1e9
    rows = [
        {**convolution._asdict(), "pass": kind, "times": numbers[convolution, kind], "flops": convolution.flops}
        | best._asdict()
        for (convolution, kind), best in found.alone.items()
    ]
    together = [
        {**use.convolution._asdict(), "passes": [kind for kind, _ in use.passes], "times": float(work[use])}
        | best._asdict()
        for use, best in found.together.items()
    ]
    values = {
        "replicas": replicas,
        "gflop": gflop,
        "seconds": found.seconds,
        "step": found.step,
        "ratio": found.step / found.seconds,
    }
    return values | {"alone": rows, "together": together}


def host(costs: Mapping[str, float], start: Mapping[str, float], step_seconds: float) -> str:
    """What a run costs besides its steps."""
    lines = [f"{'besides the steps':<44}{'seconds':>10}{'steps':>9}"]
    lines += [f"{name:<44}{seconds:>10.4f}{seconds / step_seconds:>9.3f}" for name, seconds in costs.items()]
    name = "from bin/train to the line of its first step"
    lines.append(f"{name:<46}{start['first_step_seconds']:>8.2f}{start['first_step_seconds'] / step_seconds:>9.2f}")
    lines.append(f"peak resident memory of that process: {start['peak_bytes'] / 2**30:.2f} GiB")
    return "\n".join(lines)


def _numbers(work: Work) -> dict[tuple, float]:
    """How often each pass of each convolution is computed in a step, on the average."""
    numbers: dict[tuple, float] = {}
    for use, number in work.items():
        for kind, times in use.passes:
            numbers[use.convolution, kind] = numbers.get((use.convolution, kind), 0.0) + float(number) * times
    return numbers
