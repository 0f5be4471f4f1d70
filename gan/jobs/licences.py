"""The licences of data sets, as far as their authors state any."""

from typing import NamedTuple

UNKNOWN = "unknown"  # what hubs call one that is not known


class Licence(NamedTuple):
    """`identifier` is the one that hubs know, `words` are for people."""

    identifier: str
    words: str


_STATED = {
    "fashion_mnist": Licence("mit", "Fashion-MNIST, copyright Zalando SE, MIT licence."),
    "garments": Licence("apache-2.0", "garments, drawn by gan-engine itself, Apache 2.0."),
    "kmnist": Licence("cc-by-sa-4.0", "KMNIST, created by CODH, Creative Commons BY-SA 4.0."),
    "mnist": Licence("cc-by-sa-3.0", "MNIST, copyright Yann LeCun and Corinna Cortes, Creative Commons BY-SA 3.0."),
}
_NOT_STATED = {"cifar10", "cifar100"}


def of_data(dataset: str) -> Licence:
    """The licence of a data set by its name, with or without `tfds:`, configuration and version."""
    name = _bare(dataset)
    if name in _NOT_STATED:
        return Licence(UNKNOWN, "not stated by its authors; ask them before any use beyond research.")
    return _STATED.get(name, Licence(UNKNOWN, "unknown, fill in: what those who made the data allow."))


def public_name(dataset: str) -> str:
    """The name by which others know a data set; empty if it is no published one that is known here."""
    name = _bare(dataset)
    return name if name in _NOT_STATED | _STATED.keys() - {"garments"} else ""


def _bare(dataset: str) -> str:
    return dataset.removeprefix("tfds:").partition(":")[0].partition("/")[0]
