"""Importing TensorFlow without what nobody here asks it for, which is more than half of the time that it takes.

The package imports Keras (and through it scikit-learn, SciPy and matplotlib where they are), the interfaces of its
version 1, and those for phones and for tables. Here Keras is not found while the import lasts, for which TensorFlow is
prepared: `tf.keras` and `import keras` load it when they are used. The others are loaded by the standard library's own
lazy loader, at the first look at anything in them. Nothing of TensorFlow is changed, and names that another version
does not have are just never met.
"""

import contextlib
import gc
import importlib
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType

_LATER = frozenset(
    {
        "tensorflow._api.v2.__internal__.feature_column",
        "tensorflow._api.v2.compat",
        "tensorflow._api.v2.feature_column",
        "tensorflow.python.keras.models",  # an old copy of Keras, of which recurrent cells want a part
    }
)


def imported() -> ModuleType:
    """The module `tensorflow`; a version that needs what is left out is imported in the ordinary way."""
    if "tensorflow" in sys.modules:
        return sys.modules["tensorflow"]
    with _without_collection():
        with contextlib.suppress(Exception), _left_out():
            importlib.import_module("tensorflow")
        return importlib.import_module("tensorflow")  # already there, or a second try, which raises what is wrong


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """No search for garbage meanwhile, nor later among what an import makes: a million objects that stay."""
    collecting = gc.isenabled()
    gc.collect()  # of what was there before: it may be large, and is not to stay
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()


@contextlib.contextmanager
def _left_out() -> Iterator[None]:
    """Keras is not found, and what is for later is loaded later, if it is imported while this lasts."""
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _Finder:
    """Finds the modules that are left out, before any other finder is asked."""

    def find_spec(self, name: str, path=None, target=None) -> ModuleSpec | None:
        """The spec of a lazy module, None for those that others shall find; raises for the parts of Keras."""
        if name.startswith("keras."):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        spec = PathFinder.find_spec(name, path, target) if name in _LATER else None
        if spec and spec.loader:
            spec.loader = LazyLoader(spec.loader)
        return spec
