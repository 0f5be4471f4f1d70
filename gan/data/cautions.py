"""What a person should be warned of in the data, each in a line with the remedy. Of a set as it should be: nothing."""

from collections.abc import Iterator

import numpy as np

from gan.data import sameness
from gan.data.account import Account, HeldOut, named
from gan.data.folders import unwanted
from gan.text import counted

_DARK = 64  # levels, of 256, that are too few for a set of images
_FLAT = 2.0  # levels: a standard deviation of all pixels below it leaves nothing to be learned
_SHARE = 0.02  # of the images, from which on copies and images of one colour are worth a word
_MOST = 0.5  # of the images
_FEW = 10  # images of a class that will be learned by heart
# What nobody took for an image, and texts that go with images, unless there are more of them.
_HARMLESS = {unwanted.HIDDEN_FILES, unwanted.HIDDEN_FOLDERS, unwanted.SYSTEM_FILES, unwanted.SYSTEM_FOLDERS}
_TEXTS = {f"files that end in .{end}" for end in ("txt", "csv", "tsv", "json", "jsonl", "xml", "md", "html", "yaml")}


def of(found: Account, batch: int = 0) -> list[str]:
    """The warnings of an account, the gravest first; `batch` images make a batch, if it is known."""
    parts = (found.doubts, _passed_over(found), _values(found), _alike(found), _sizes(found), _classes(found))
    warnings = [line for part in parts for line in part]
    if found.held_out:
        warnings += _held_out(found, found.held_out)
    if found.images < batch:
        few = "1 image is less" if found.images == 1 else f"{found.images:,} images are fewer"
        warnings.append(
            f"{few} than a batch of {batch:,}, which then holds copies; add images or give "
            f"--batch_size={1 << (found.images.bit_length() - 1)}"
        )
    return warnings


def of_generated(found: Account) -> list[str]:
    """The warnings of images that are not to be trained on but to be measured; that they are alike is a result."""
    return [*_passed_over(found), *_sizes(found)]


def _passed_over(found: Account) -> Iterator[str]:
    """Of files that may have been meant to be used."""
    missed = {reason: number for reason, number in found.passed_over.items() if reason not in _HARMLESS}
    texts = sum(number for reason, number in missed.items() if reason in _TEXTS)
    if texts <= found.images:
        missed = {reason: number for reason, number in missed.items() if reason not in _TEXTS}
    if missed:
        listed = ", ".join(counted(number, reason) for reason, number in missed.items())
        yield (
            f"passed over beside {found.images:,} images: {listed}; repair or convert what belongs to the set, "
            "and move away what does not"
        )


def _values(found: Account) -> Iterator[str]:
    """Of values that are not those of images."""
    seen = found.look
    there = set(np.flatnonzero(seen.levels).tolist())
    told = f"mean {seen.mean:.2f}, {seen.lowest} to {seen.highest} of 255"
    if len(there) == 1:
        yield f"every pixel of every image is {seen.lowest}: there is nothing to be learned; look at the files"
    elif there == {0, 1}:
        yield (
            f"all pixels are 0 or 1 ({told}): were floats in [0, 1] cast to uint8? multiply them by 255 first; if they "
            "are masks, give --value_range=0,1"
        )
    elif there == {0, 1, 255}:
        yield (
            f"all pixels are 0, 1 or 255 ({told}): were floats in [-1, 1] cast to uint8? "
            "write 127.5 * (x + 1) instead; what was between is lost"
        )
    elif seen.highest - seen.lowest < _DARK:
        low, high = seen.lowest, seen.highest
        look = "nearly black" if high < _DARK else "nearly white" if low >= 256 - _DARK else "nearly grey"
        deep = (low << 8, (high << 8) + 255)
        yield (
            f"the pixels use {high - low + 1} of 256 levels ({told}): the images are {look}; "
            f"say what is black and white: --value_range={deep[0]},{deep[1]} if the files have 16 bits (where white is "
            f"65,535), --value_range={low},{high} if they have 8"
        )
    elif seen.deviation < _FLAT:
        yield f"the set is nearly constant ({told}, standard deviation {seen.deviation:.2f}); look at the files"


def _alike(found: Account) -> Iterator[str]:
    """Of images that are the same or of one colour."""
    seen = found.look
    varies, copies = seen.deviation >= _FLAT, seen.copies
    all_same = copies == seen.seen - 1 or seen.spread < sameness.SPREAD
    if found.images > 1 and varies and all_same:
        how = "" if copies == seen.seen - 1 else "nearly "
        yield f"all images are {how}the same: a generator has one image to learn; look at the files"
        return
    if varies and seen.one_colour > max(1, _SHARE * seen.seen):
        yield (
            f"{seen.one_colour:,} of {seen.seen:,} images are nearly of one colour (the first is number "
            f"{seen.first_one_colour:,}, counted from 0); remove them unless they belong to the set"
        )
    of = found.images if found.copies > copies else seen.seen
    if varies and found.copies > max(1, _SHARE * of):
        first = f" (the first is number {seen.first_copy:,}, counted from 0)" if copies else ""
        yield (
            f"{found.copies:,} of {of:,} images are exactly the same as another{first}: they count so many times; "
            "remove the copies"
        )


def _sizes(found: Account) -> Iterator[str]:
    """Of sizes that do not suit what is made of them."""
    sizes = found.sizes
    if sizes is None:
        return
    if sizes.enlarged_twice > _MOST * found.images:
        yield (
            f"{sizes.enlarged_twice:,} of {found.images:,} images are enlarged to twice their size or more, which adds "
            "nothing but time; give a smaller --resolution"
        )
    if sizes.half_lost > _MOST * found.images and found.crop in ("center", "random", "pad"):
        does, remedy = ("are half border or more", "center") if found.crop == "pad" else ("lose half or more", "pad")
        yield (
            f"{sizes.half_lost:,} of {found.images:,} images {does} by --crop={found.crop}; see bin/preview, and think "
            f"of --crop={remedy}"
        )


def _classes(found: Account) -> Iterator[str]:
    """Of classes that are none, or have too few images."""
    names, seen = found.class_names, found.look
    if seen.unlabelled and names:
        yield f"{seen.unlabelled:,} images have no label; label them, or give --labels=none"
    if not seen.counted_all or len(names) < 2:
        return
    if empty := found.empty_classes:
        yield (
            f"{len(empty):,} of {len(names):,} classes have no images ({named([names[i] for i in empty])}): nothing "
            "can be learned of them; leave them out, or add images"
        )
    few = np.flatnonzero((seen.counts > 0) & (seen.counts < _FEW)).tolist()
    if few:
        yield (
            f"{len(few):,} of {len(names):,} classes have fewer than {_FEW} images "
            f"({named([f'{names[i]} {seen.counts[i]}' for i in few])}), which will be learned by heart; add images, "
            "join classes, or give --labels=none"
        )


def _held_out(found: Account, held_out: HeldOut) -> Iterator[str]:
    """Of held-out images that do not go with those for training."""
    if not held_out.counted_all or not found.class_names:
        return
    missing = np.flatnonzero((held_out.counts == 0) & (found.look.counts >= _FEW)).tolist()
    if missing and len(found.class_names) > 1:
        yield (
            f"{len(missing):,} of {len(found.class_names):,} classes are missing in the held-out images "
            f"({named([found.class_names[i] for i in missing])}): figures are not of them; give another --test_dataset"
        )
    if held_out.unknown:
        yield (
            f"{held_out.unknown:,} classes of the held-out images are none of the training images: figures count "
            "them as faults; give another --test_dataset"
        )
