"""What was understood of a data set: the short account that each command prints and that config.json keeps.

found = account.of(source, held_out, crop="center")
account.lines(found)     # [(title, text)] for people
account.as_json(found)
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gan.data import look
from gan.data.look import Look
from gan.data.source import Source
from gan.storage import cache
from gan.text import counted, dimensions

_ALL_NAMED = 12  # classes up to which each is told with its number of images
_WIDE = 100  # characters of a line of classes, at most
_OFTEN = 5  # one image in so many has the most frequent size, or it is not worth a word
_NAME = 30  # characters of the name of a class


class Sizes(NamedTuple):
    """The sizes of images as they are stored, (width, height), and how many are changed in which way."""

    different: int
    smallest: tuple[int, int]
    largest: tuple[int, int]
    most_frequent: tuple[int, int]
    of_most_frequent: int
    unchanged: int
    shrunk: int
    enlarged: int
    cropped: int  # or padded: images whose sides have another ratio than wanted
    enlarged_twice: int  # to twice the side or more
    half_lost: int  # of which more than half is cropped away, or that are padded to more than twice their area


class HeldOut(NamedTuple):
    """The images that evaluations take as unseen."""

    name: str
    images: int
    counts: np.ndarray  # int64 [K], of the classes of the training images
    unknown: int  # classes with images there that the training images do not have
    counted_all: bool


class Account(NamedTuple):
    """What was understood of a source."""

    name: str
    images: int
    shape: tuple[int, int, int]  # [H, W, C] as the networks see them
    passed_over: Mapping[str, int]  # files that are not used, by reason
    sizes: Sizes | None  # None where the source does not tell
    crop: str
    look: Look
    class_names: tuple[str, ...]
    held_out: HeldOut | None
    notes: tuple[str, ...]
    doubts: tuple[str, ...]
    copies: int  # images that are the same as one before: of those looked at, or where it is known of all files
    copies_of_all: bool

    @property
    def empty_classes(self) -> list[int]:
        """The classes without an image, where all are counted."""
        return np.flatnonzero(self.look.counts == 0).tolist() if self.look.counted_all else []


def of(source: Source, held_out: Source | None = None, crop: str = "center") -> Account:
    """The account of the images that are trained on, with those held out; `crop` is the setting of that name.

    It reads images: all of those in memory, else some thousands, at a first time.
    """
    seen = look.at(source)
    return Account(
        name=source.name,
        images=source.num_examples,
        shape=source.image_shape,
        passed_over={reason: number for reason, number in source.passed_over.items() if number},
        sizes=_sizes(source, crop) if source.sizes else None,
        crop=crop,
        look=seen,
        class_names=source.class_names,
        held_out=_held_out(source, held_out) if held_out else None,
        notes=source.notes,
        doubts=source.doubts,
        copies=max(seen.copies, source.duplicates or 0),
        copies_of_all=source.duplicates is not None or seen.seen == source.num_examples,
    )


def lines(found: Account) -> list[tuple[str, str]]:
    """The account as (title, text) lines."""
    seen = found.look
    part = "" if seen.seen == found.images else f" (of {seen.seen:,} images spread over the set)"
    colour = {1: "grey", 3: "in colour"}.get(found.shape[2], f"{found.shape[2]} channels")
    colour = "grey, though stored in colour" if seen.grey else colour
    one_colour, copies = (f"{number:,}" if number else "none" for number in (seen.one_colour, found.copies))
    of_all = "" if found.copies_of_all else part
    told = [
        ("images", f"{found.images:,} used; {_passed_over(found.passed_over)}"),
        ("sizes", _sizes_text(found)),
        (
            "pixels",
            f"{colour}, values {seen.lowest} to {seen.highest}, mean {seen.mean:.2f}, "
            f"standard deviation {seen.deviation:.2f}{part}",
        ),
        ("alike", f"{one_colour} nearly of one colour{part}, {copies} the same as another{of_all}"),
        ("classes", _classes_text(found)),
    ]
    if found.held_out:
        told.append(("held out", _held_out_text(found, found.held_out)))
    return told + [("note", note) for note in found.notes]


def as_json(found: Account) -> dict[str, Any]:
    """The account for JSON; of more than a few classes the first, the last, the least and the most frequent one."""
    seen = found.look
    counts = seen.counts.tolist()
    places = range(len(counts)) if len(counts) <= _ALL_NAMED else (0, len(counts) - 1)
    extremes = {"least": seen.counts.argmin(), "most": seen.counts.argmax()} if counts else {}
    classes = {
        "number": len(counts),
        "images": {found.class_names[i]: counts[i] for i in places},
        **{name: [found.class_names[i], counts[i]] for name, i in extremes.items()},
        "without_images": len(found.empty_classes),
        "unlabelled": seen.unlabelled,
        "counted_all": seen.counted_all,
    }
    return {
        "images": found.images,
        "passed_over": dict(found.passed_over),
        "sizes": found.sizes._asdict() if found.sizes else None,
        "channels": found.shape[2],
        "looked_at": seen.seen,
        "values": [seen.lowest, seen.highest],
        "mean": round(seen.mean, 4),
        "deviation": round(seen.deviation, 4),
        "of_one_colour": seen.one_colour,
        "same_as_another": found.copies,
        "classes": classes,
        "held_out": _held_out_json(found.held_out) if found.held_out else None,
    }


def named(names: Sequence[str], most: int = 3) -> str:
    """The first of some names, shortened, and how many more there are."""
    shown = ", ".join(short(name) for name in names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")


def short(name: str) -> str:
    """The name of a class in a line."""
    return name if len(name) <= _NAME else f"{name[: _NAME - 3]}..."


def _sizes(source: Source, crop: str) -> Sizes:
    """The sizes of a source that tells them."""
    height, width, _ = source.image_shape
    by_area = sorted(source.sizes, key=lambda size: (size[0] * size[1], size))
    frequent = max(by_area, key=lambda size: source.sizes[size])
    sums = dict.fromkeys(("unchanged", "shrunk", "enlarged", "cropped", "enlarged_twice", "half_lost"), 0)
    for (w, h), number in source.sizes.items():
        ratios = width / w, height / h
        scale = min(ratios) if crop == "pad" else max(ratios)
        happens = {
            "unchanged": (w, h) == (width, height),
            "shrunk": scale < 1,
            "enlarged": scale > 1,
            "cropped": w * height != h * width,
            "enlarged_twice": scale >= 2,
            "half_lost": max(ratios) > 2 * min(ratios),
        }
        for name, does in happens.items():
            sums[name] += number * does
    return Sizes(len(by_area), by_area[0], by_area[-1], frequent, source.sizes[frequent], **sums)


def _held_out(source: Source, held_out: Source) -> HeldOut:
    """The images held out, each class counted by its name."""
    counts, counted_all = _held_out_counts(held_out)
    if held_out.class_names == source.class_names:
        return HeldOut(held_out.name, held_out.num_examples, counts, 0, counted_all)
    number = {name: i for i, name in enumerate(source.class_names)}
    found, unknown = np.zeros(source.num_classes, np.int64), 0
    for name, images in zip(held_out.class_names, counts.tolist(), strict=True):
        if name in number:
            found[number[name]] += images
        else:
            unknown += images > 0
    return HeldOut(held_out.name, held_out.num_examples, found, unknown, counted_all)


def _held_out_counts(held_out: Source) -> tuple[np.ndarray, bool]:
    """(images of each class int64 [K], whether all were counted), from the cache where images had to be read."""
    if held_out.labels is not None or not held_out.num_classes:
        labels = np.zeros(0, np.int32) if held_out.labels is None else held_out.labels
        return look.count(labels, held_out.num_classes)[1:], True
    rows = look.looked_at(held_out)

    def read() -> tuple[np.ndarray, np.ndarray]:
        parts = (rows[start : start + look.CHUNK] for start in range(0, len(rows), look.CHUNK))
        counts = sum(look.count(held_out.read(part)[1], held_out.num_classes) for part in parts)
        return counts, np.array([len(rows)])

    facts = f"{held_out.fingerprint} {len(rows)} {held_out.num_classes}"
    key = f"held-out-{hashlib.sha256(facts.encode()).hexdigest()[:40]}" if held_out.fingerprint else ""
    counts, _ = cache.get(key, read, ("counts", "seen"))
    return counts[1:], len(rows) == held_out.num_examples


def _passed_over(reasons: Mapping[str, int]) -> str:
    if not reasons:
        return "none passed over"
    listed = ", ".join(counted(number, reason) for reason, number in reasons.items())
    return f"{sum(reasons.values()):,} passed over: {listed}"


def _sizes_text(found: Account) -> str:
    height, width, _ = found.shape
    wanted, sizes = dimensions((height, width)), found.sizes
    if sizes is None or (sizes.different == 1 and sizes.unchanged):
        return f"all {wanted}, as they are"
    smallest, largest, frequent = (f"{w} x {h}" for w, h in (sizes.smallest, sizes.largest, sizes.most_frequent))
    text = f"all {smallest}"
    if sizes.different > 1:
        text = f"{sizes.different:,} from {smallest} to {largest}"
        if _OFTEN * sizes.of_most_frequent >= found.images:
            text += f", most often {frequent} ({sizes.of_most_frequent:,})"
    how = {"center": "cropped to the middle", "random": "cropped at random", "pad": "padded with white"}
    happens = {
        how.get(found.crop, "cropped"): sizes.cropped,
        "shrunk": sizes.shrunk,
        "enlarged": sizes.enlarged,
        "as they are": sizes.unchanged,
    }
    done = [f"{number:,} {what}" for what, number in happens.items() if number]
    return f"{text}; to {wanted}: {', '.join(done)}"


def _classes_text(found: Account) -> str:
    names, seen = [short(name) for name in found.class_names], found.look
    if not names:
        return "none: the images have no labels"
    counts = seen.counts.tolist()
    part = "" if seen.counted_all else f" (of {seen.seen:,} images)"
    without = f"; {seen.unlabelled:,} images without a label" if seen.unlabelled else ""
    each = (
        [f"{name} {number:,}" for name, number in zip(names, counts, strict=True)] if len(names) <= _ALL_NAMED else []
    )
    if each and len(", ".join(each)) <= _WIDE:
        return f"{len(names)}: {', '.join(each)}{part}{without}"
    ends = f"{names[0]} {counts[0]:,} ... {names[-1]} {counts[-1]:,}"
    spread = f"each {counts[0]:,}" if len(set(counts)) == 1 else f"from {min(counts):,} to {max(counts):,} images"
    return f"{len(names):,}: {ends}; {spread}{part}{without}"


def _held_out_text(found: Account, held_out: HeldOut) -> str:
    text = f"{counted(held_out.images, 'images')}, {held_out.name}"
    if not found.class_names:
        return text
    there = int(np.count_nonzero(held_out.counts))
    part = "" if held_out.counted_all else " seen"
    return f"{text}, {there:,} of {len(found.class_names):,} classes{part}"


def _held_out_json(held_out: HeldOut) -> dict[str, Any]:
    return {
        "name": held_out.name,
        "images": held_out.images,
        "classes_without_images": int(np.count_nonzero(held_out.counts == 0)),
        "unknown_classes": int(held_out.unknown),
        "counted_all": held_out.counted_all,
    }
