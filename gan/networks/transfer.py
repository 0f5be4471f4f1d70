"""What a network can begin with of another one: layer by layer, by place and shape.

A layer is taken whole or not at all: half of one computes nothing that was learned. Its counterpart is looked for first
among layers of the same kind between maps of the same sizes, so that a network for larger images takes the blocks of
its small maps; what that leaves over by its number from the end, then by its name. Two things may differ: rows that
belong to classes are taken by the classes' names, and the layer that faces images is converted between grey and RGB.
"""

import collections
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from gan.core.base import Params, Row, Shape
from gan.networks import conversions
from gan.networks.conversions import Converted

_KINDS = {"projection": "dense"}  # the discriminator's head with labels and without
_TABLES = {"embedding", "scale", "offset"}  # tensors that have a row for each class where there are classes

Leaves = dict[str, np.ndarray]  # tensors by path, such as block_1/conv_1/kernel
Place = tuple[Any, ...]


class Side(NamedTuple):
    """A network to take from, or to begin: its table and its tensors.

    `classes` are () for a network that is told none. `draws` is true for a generator, whose last layer faces images.
    """

    table: tuple[Row, ...]
    tensors: Leaves
    classes: tuple[str, ...]
    draws: bool

    @property
    def layers(self) -> list[str]:
        """The names of the layers that have tensors, in their order."""
        having = {path.partition("/")[0] for path in self.tensors}
        return [row.name for row in self.table if row.name in having]

    def within(self, layer: str) -> Leaves:
        """The tensors of a layer by the rest of their path."""
        return {path.partition("/")[2]: x for path, x in self.tensors.items() if path.startswith(f"{layer}/")}


class Transfer(NamedTuple):
    """The tensors that a network begins with, and which of them are another's.

    `same` has the path there of each that is taken as it is. `taken` and `parameters` count tensors and the numbers in
    them; `remarks` say of the others why not, and of what is not as it was how it differs.
    """

    tensors: Leaves
    same: dict[str, str]
    taken: int
    parameters: int
    remarks: tuple[str, ...]


def leaves(params: Params, path: str = "") -> Leaves:
    """The tensors of a nest of dictionaries by path."""
    found: Leaves = {}
    for name, value in params.items():
        found |= leaves(value, f"{path}{name}/") if isinstance(value, Mapping) else {path + name: np.asarray(value)}
    return found


def nest(tensors: Leaves) -> Params:
    """The nest of dictionaries of tensors by path."""
    found: Params = {}
    for path, value in tensors.items():
        *above, name = path.split("/")
        place = found
        for part in above:
            place = place.setdefault(part, {})
        place[name] = value
    return found


def transfer(old: Side, new: Side) -> Transfer:
    """`new` begun with what it can have of `old`, each layer of which serves once."""
    counterparts = _counterparts(old, new)
    tensors, same, remarks, taken, parameters = dict(new.tensors), {}, [], 0, 0
    for layer in new.layers:
        if layer not in counterparts:
            remarks.append(f"{layer} begins anew ({_reason(old, new, layer, counterparts)})")
            continue
        for name, found in _converted(old, new, layer, counterparts[layer]).items():
            path = f"{layer}/{name}"
            if not found.taken:
                remarks.append(f"{path} begins anew ({found.how})")
                continue
            tensors[path] = found.value
            taken, parameters = taken + 1, parameters + found.taken
            if found.how:
                remarks.append(f"{path} {found.how}")
            else:
                same[path] = f"{counterparts[layer]}/{name}"
    left = [layer for layer in old.layers if layer not in counterparts.values()]
    remarks += [f"not used: {conversions.listed(left)}"] if left else []
    return Transfer(tensors, same, taken, parameters, tuple(remarks))


def _counterparts(old: Side, new: Side) -> dict[str, str]:
    """For each layer of `new` that can be taken that of `old`."""
    found: dict[str, str] = {}
    for places in (_by_map, _from_the_end, _from_the_start):
        there = {place: layer for layer, place in places(old).items()}
        for layer, place in places(new).items():
            other = there.get(place)
            if other and layer not in found and other not in found.values() and _fits(old, new, layer, other):
                found[layer] = other
    return found


def _by_map(of: Side) -> dict[str, Place]:
    """For each layer its kind, the sizes of the maps before and after it, and its number among such."""
    places, counts, before = {}, collections.Counter(), ()
    for row in of.table:
        place = (_kind(row.name), _map(before), _map(row.shape))
        counts[place] += 1
        places[row.name] = (*place, counts[place])
        before = row.shape
    return {layer: places[layer] for layer in of.layers}


def _from_the_end(of: Side) -> dict[str, Place]:
    """For each layer its kind, and its number among those of the kind from the end."""
    places, counts = {}, collections.Counter()
    for layer in reversed(of.layers):
        counts[_kind(layer)] += 1
        places[layer] = (_kind(layer), counts[_kind(layer)])
    return places


def _from_the_start(of: Side) -> dict[str, Place]:
    """For each layer its kind and number, which are its name."""
    return {layer: (_kind(layer), layer.rpartition("_")[2]) for layer in of.layers}


def _kind(layer: str) -> str:
    kind = layer.rpartition("_")[0]
    return _KINDS.get(kind, kind)


def _map(shape: Shape) -> Shape:
    """(H, W) of maps [H, W, C]; () of anything else."""
    return shape[:2] if len(shape) == 3 else ()


def _fits(old: Side, new: Side, layer: str, other: str) -> bool:
    """Whether a layer can be taken whole from `other`, of which nothing is left; embeddings may begin or be left."""
    missing = new.within(layer).keys() ^ old.within(other).keys()
    found = _converted(old, new, layer, other).values()
    return not missing - {"embedding"} and None not in found and any(tensor.taken for tensor in found)


def _converted(old: Side, new: Side, layer: str, other: str) -> dict[str, Converted | None]:
    """The tensors of a layer as those of `other` make them; None for each that cannot be made so."""
    theirs, found = old.within(other), {}
    end = -1 if new.draws else 0
    faces_images = (layer, other) == (new.layers[end], old.layers[end])
    for name, mine in new.within(layer).items():
        found[name] = None
        if name not in theirs:
            found[name] = Converted(mine, "not there", 0)
        elif _is_table(name, theirs[name], mine):
            found[name] = _table(name, theirs[name], mine, old.classes, new.classes)
        elif theirs[name].shape == mine.shape:
            found[name] = Converted(theirs[name], "", mine.size)
        elif faces_images:
            found[name] = conversions.for_channels(theirs[name], mine, -1 if new.draws else -2, new.draws)
    return found


def _is_table(name: str, theirs: np.ndarray, mine: np.ndarray) -> bool:
    """Whether a tensor has a row for each class, there or here."""
    return name.rpartition("/")[2] in _TABLES and max(theirs.ndim, mine.ndim) == 2


def _table(
    name: str, theirs: np.ndarray, mine: np.ndarray, there: tuple[str, ...], here: tuple[str, ...]
) -> Converted | None:
    """A table by the names of the classes. What an unknown class adds is anything; scales must suit what follows."""
    of_scales = name != "embedding"
    if not of_scales and theirs.shape[-1] == mine.shape[-1] and not set(there) & set(here):
        return Converted(mine, "no class of these names there", 0)
    return conversions.by_class(theirs, mine, there, here, mean_for_new=of_scales)


def _reason(old: Side, new: Side, layer: str, counterparts: Mapping[str, str]) -> str:
    """Why a layer is not taken: what the layer of its name became, the first tensor that differs, or its absence."""
    theirs, mine = old.within(layer), new.within(layer)
    if not theirs:
        return "not there"
    for other, there in counterparts.items():
        if there == layer:
            return f"that of this name is {other} here"
    for name, found in _converted(old, new, layer, layer).items():
        if found is None:
            return f"{name} is {list(theirs[name].shape)} there, {list(mine[name].shape)} here"
        if not found.taken:
            return found.how if name in theirs else f"{name} is not there"
    return f"{sorted(theirs.keys() - mine.keys())[0]} is there alone"
