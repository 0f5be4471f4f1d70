"""Which features of a tfds data set are the images and the labels."""

from typing import Any, NamedTuple

import numpy as np

from gan.data.labels import NAMES
from gan.errors import UserError


class Form(NamedTuple):
    """What the images of a data set are."""

    image: str  # the name of the feature
    label: str  # empty where there is none
    shape: tuple[int | None, int | None, int | None]  # height, width, channels; None where it varies
    class_names: tuple[str, ...]  # of labels that are numbers of named classes, otherwise empty
    floats: bool = False  # 32-bit floats, which tfds stores as the bytes of a PNG's four channels
    notes: tuple[str, ...] = ()  # on labels

    @property
    def facts(self) -> tuple:
        """What the data depend on, for fingerprints; features called image and label add nothing."""
        usual = self.image == "image" and (not self.label or self.label == "label" and bool(self.class_names))
        return () if usual else (self.image, self.label)


def form(features: Any, supervised_keys: Any, name: str) -> Form:
    """The images and labels among the features of the data set `name`.

    The images are the feature `image`, the only one of images, or that of the set's supervised keys; the labels
    likewise. Raises `UserError` if there are no images, or several.
    """
    import tensorflow_datasets as tfds

    named = dict(sorted(features.items())) if isinstance(features, tfds.features.FeaturesDict) else {}
    keys = supervised_keys if isinstance(supervised_keys, tuple) and len(supervised_keys) == 2 else (None, None)
    images = [key for key, feature in named.items() if isinstance(feature, tfds.features.Image)]
    image = _chosen(images, ("image",), keys[0])
    if image is None:
        there = ", ".join(f"{key} {type(feature).__name__}" for key, feature in named.items())
        reason = f"several features of images and none is called `image` ({', '.join(images)})"
        none = f"no feature `image` or other one of images (it has {there or type(features).__name__})"
        raise UserError(f"{name} has {reason if images else none}; choose another data set")
    label, notes = _label(named, keys[1], tfds.features)
    names = tuple(named[label].names) if isinstance(named.get(label), tfds.features.ClassLabel) else ()
    floats = np.dtype(named[image].np_dtype) == np.float32
    return Form(image, label, named[image].shape, names, floats, notes)


def _chosen(candidates: list[str], usual: tuple[str, ...], supervised: str | None) -> str | None:
    """The one with the first of the usual names, the supervised key, one with another usual name, or the only one."""
    if usual[0] in candidates:
        return usual[0]
    if supervised in candidates:
        return supervised
    by_name = {key.lower(): key for key in reversed(candidates)}
    found = next((by_name[name] for name in usual if name in by_name), None)
    return found or (candidates[0] if len(candidates) == 1 else None)


def _label(named: dict[str, Any], supervised: Any, kinds: Any) -> tuple[str, tuple[str, ...]]:
    """The feature of the labels, empty if none, and notes on others: ClassLabels before numbers and names of classes.

    A number or a text counts only if it is called as labels are, or is what the set says that is to be predicted.
    """
    classes = [key for key, feature in named.items() if isinstance(feature, kinds.ClassLabel)]
    scalars = [key for key, feature in named.items() if key not in classes and _may_be(feature, kinds)]
    likely = [key for key in scalars if key.lower() in NAMES or key == supervised]
    many = [key for key, feature in named.items() if _is_several(feature, kinds)]
    chosen = _chosen(classes, NAMES, supervised) or _chosen(likely, NAMES, supervised) or ""
    others = [key for key in (*classes, *likely) if key != chosen]
    if chosen:
        return chosen, tuple(f"labels are the feature `{chosen}`, not `{other}`" for other in others)
    if others:
        return "", (f"no labels: there are several features of labels ({', '.join(others)}), none called `label`",)
    wrong = [key for key in named if key.lower() in NAMES and key not in many]
    notes = [f"no labels: `{key}` has several labels for an image, and one is needed" for key in many]
    notes += [f"no labels: `{key}` is {type(named[key]).__name__}, not a whole number or a name" for key in wrong]
    numbers = [key for key in scalars if not isinstance(named[key], kinds.Text)]
    if numbers and not notes:
        notes = [f"no labels: no feature is called `label` ({', '.join(numbers)} may be anything)"]
    return "", tuple(notes)


def _may_be(feature: Any, kinds: Any) -> bool:
    """Whether a feature is a single whole number or a text."""
    if isinstance(feature, kinds.Text):
        return True
    single = isinstance(feature, kinds.Tensor) and feature.shape == ()
    return single and np.issubdtype(feature.np_dtype, np.integer)


def _is_several(feature: Any, kinds: Any) -> bool:
    """Whether a feature is a sequence of labels."""
    return isinstance(feature, kinds.Sequence) and isinstance(feature.feature, kinds.ClassLabel)
