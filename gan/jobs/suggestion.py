"""Settings of bin/train that suit a data set on this machine, each with its reason. No TensorFlow."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan.data.account import Account
from gan.networks.sizes import Size, check_size
from gan.text import dimensions

SIDES = tuple(sorted(base << k for base in (4, 5, 6, 7, 8) for k in range(1, 7) if 10 <= base << k <= 256))
_CPU_SIDE, _GPU_SIDE = 64, 256  # pixels a side that train in hours to days
_SMALL = 10_000  # images that a discriminator learns by heart
_EACH, _LEAST = 500, 100  # images of a class on average, and at least, for networks that are told the classes
_CLASSES = 1000  # that they can be told
_EPOCHS = 2000  # more teach a discriminator nothing but the images by heart
_LENGTH, _LENGTH_SIDE = 600_000, 32  # images until the schedule's end, up to so many pixels a side; then in proportion


class Suggestion(NamedTuple):
    """Settings by name beside those that were given, and a reason for each that needs one."""

    settings: dict[str, Any]
    reasons: tuple[str, ...]

    def command(self, given: Mapping[str, Any]) -> str:
        """The command that trains so, ready to be pasted."""
        flags = {**{name: value for name, value in given.items() if name != "seed"}, **self.settings}
        words = [f"--{name}={_word(value)}" for name, value in flags.items()]
        return " ".join(["bin/train", *map(shlex.quote, words)])


def of(found: Account, given: Mapping[str, Any], gpu: bool) -> Suggestion:
    """What suits the data of this account, as they were opened with the settings `given`."""
    settings: dict[str, Any] = {}
    preset, why = _preset(found)
    reasons, settings["preset"] = [f"--preset={preset}: {why}"], preset
    side = resolution(found, gpu)
    if side and ("resolution" not in given or check_size(found.shape[:2])):  # what was given cannot be trained on
        settings["resolution"] = side
        reasons.append(f"--resolution={side}: {_why_resolution(found, side)}")
        if found.crop == "none" and (reason := check_size(_scaled(found.shape[:2], side))):
            settings["crop"] = "center"
            reasons.append(f"--crop=center: {reason}")
    if found.look.grey and "channels" not in given:
        settings["channels"] = 1
        reasons.append("--channels=1: the images are grey, though stored in colour")
    if found.images < _SMALL:
        if "augmentation" not in given:
            settings["augmentation"] = "adaptive"
            reasons.append(f"--augmentation=adaptive: {found.images:,} of them would be learned by heart")
        if "flip" not in given:
            settings["flip"] = True
            reasons.append("--flip: twice as many images, where left and right mean the same (no letters, no digits)")
    if (batch := _batch(found.images)) < 32:
        settings["batch_size"] = batch
        reasons.append(f"--batch_size={batch}: there are no more than {found.images:,}")
    shown = settings.get("resolution", max(found.shape[:2]))
    length = min(_LENGTH * max(1, shown // _LENGTH_SIDE), _EPOCHS * found.images)
    if length != _LENGTH:
        settings["schedule_images"] = length
    settings["epochs"] = float(f"{length / found.images:.3g}")
    return Suggestion(settings, tuple(reasons))


def resolution(found: Account, gpu: bool) -> int:
    """The resolution to give, 0 where the images are as they should be."""
    most = _GPU_SIDE if gpu else _CPU_SIDE
    height, width, _ = found.shape
    if not check_size((height, width)) and max(height, width) <= most:
        return 0
    sides = reversed(SIDES) if found.crop == "none" else ()
    whole = (
        side for side in sides if side <= min(height, width, most) and not check_size(_scaled((height, width), side))
    )
    return next(whole, fitting(min(height, width), most))


def _scaled(size: Size, side: int) -> Size:
    """The size of an image with the shorter side so long, whole."""
    return tuple(round(length * side / min(size)) for length in size)


def fitting(side: int, most: int = _CPU_SIDE) -> int:
    """The largest resolution that the networks take, up to `side` and `most`; the smallest of all if none is."""
    return max((each for each in SIDES if each <= min(side, most)), default=SIDES[0])


def typical_side(sizes: Mapping[tuple[int, int], int]) -> int:
    """The median of the shorter sides of images by (width, height); 0 where nothing is known."""
    if not sizes:
        return 0
    sides = np.repeat([min(size) for size in sizes], list(sizes.values()))
    return int(np.sort(sides)[(len(sides) - 1) // 2])


def has_gpu() -> bool:
    """Whether there is a device of a GPU, by its name."""
    return any(Path("/dev").glob("nvidia[0-9]*"))


def _preset(found: Account) -> tuple[str, str]:
    names, counts = found.class_names, found.look.counts
    if len(names) < 2:
        return "modern", "the images have no labels" if not names else "all images are of one class"
    least = int(counts.min())
    enough = least >= _LEAST and counts.mean() >= _EACH and len(names) <= _CLASSES
    if enough and not found.look.unlabelled:
        return "modern_conditional", f"{len(names):,} classes of {least:,} images or more, to be asked for by name"
    if found.look.unlabelled:
        return "modern", f"{found.look.unlabelled:,} images have no label"
    if len(names) > _CLASSES:
        return "modern", f"{len(names):,} classes are too many to be told apart"
    return "modern", f"the smallest of {len(names):,} classes has {least:,} images, too few to be told apart"


def _why_resolution(found: Account, side: int) -> str:
    if reason := check_size(found.shape[:2]):
        return reason
    return f"{dimensions(found.shape[:2])} would take days on a CPU"


def _batch(images: int) -> int:
    """The largest power of two that the images fill, up to the preset's batch."""
    return min(32, 1 << (images.bit_length() - 1))


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
