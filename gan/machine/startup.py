"""Importing TensorFlow without its banner: known harmless lines are dropped, everything else is shown.

TensorFlow's C++ parts write to file descriptor 2, some lines whatever TF_CPP_MIN_LOG_LEVEL says. During the import the
descriptor leads to a small forked process that passes on all but the known lines; being another process, it also
passes on what is written last when the import crashes.
"""

import contextlib
import glob
import os
import re
import resource
import signal
from collections.abc import Iterator
from types import ModuleType

from gan.errors import UserError
from gan.machine import lean_import

ENVIRONMENT = {
    # By default oneDNN is off on processors without AVX-512, where it multiplies matrices 2-4 times as fast too.
    "TF_ENABLE_ONEDNN_OPTS": "1",
    # Hides what is for information only; warnings and errors stay.
    "TF_CPP_MIN_LOG_LEVEL": "1",
}
"""What TensorFlow reads from the environment; a value that is already there is left alone."""

MINIMUM_VERSION = (2, 21)
LEAST_ADDRESS_SPACE = 2 << 30  # bytes, with which the smallest networks train

_BANNER = (
    rb"WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR",
    rb"I\d{4} .* port\.cc:\d+\] oneDNN custom operations are on\.",
    rb"I\d{4} .* cpu_feature_guard\.cc:\d+\] This TensorFlow binary is optimized",
    rb"To enable the following instructions: .* rebuild TensorFlow with the appropriate compiler flags",
)
# Harmless where there is no GPU; where there is one, they say why it is not used.
_BANNER_WITHOUT_GPU = (
    rb"I\d{4} .* cudart_stub\.cc:\d+\] Could not find cuda drivers",
    rb"E\d{4} .* cuda_platform\.cc:\d+\] failed call to cuInit: .*UNKNOWN ERROR \(303\)",
)
# Signals that are for this process alone, not for the small one.
_OF_PARENT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU)


def import_tensorflow(quiet: bool = False) -> ModuleType:
    """The module `tensorflow`, imported, its devices found; raises `UserError` if it is missing or too old.

    `quiet` hides its errors as well: where a worker is lost each of its layers tells of it, and then the command does.
    """
    if quiet:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    _check_address_space()
    _leave_out_keras_settings()
    with hidden_banner():
        try:
            tf = lean_import.imported()
        except ModuleNotFoundError as error:
            if error.name != "tensorflow":
                raise
            raise UserError("TensorFlow is not installed here; start with bin/..., which prepares it") from None
        version = tuple(int(part) for part in tf.__version__.split(".")[:2])
        if version < MINIMUM_VERSION:
            needed = ".".join(map(str, MINIMUM_VERSION))
            raise UserError(f"TensorFlow {tf.__version__} is too old, {needed} is needed; deactivate this environment")
        tf.config.list_physical_devices()  # the search for GPUs writes the last of the known lines
    return tf


def _check_address_space() -> None:
    """Raises `UserError` if this process may have too little of it: TensorFlow would end in another way each time."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
    if allowed != resource.RLIM_INFINITY and allowed < LEAST_ADDRESS_SPACE:
        raise UserError(
            f"this process may have {allowed / 2**30:.1f} GiB of address space, too little for TensorFlow; "
            f"allow {LEAST_ADDRESS_SPACE >> 30} GiB or more (ulimit -v)"
        )


def _leave_out_keras_settings() -> None:
    """Keeps the person's own settings of Keras, which TensorFlow imports, out of this process and its children.

    Those of the environment, and those of keras.json, which may be damaged, or ask for another order of the axes. Keras
    looks for that file in a folder that cannot be there.
    """
    for name in [name for name in os.environ if name.startswith("KERAS_") or name == "TF_USE_LEGACY_KERAS"]:
        del os.environ[name]
    os.environ |= {"KERAS_BACKEND": "tensorflow", "KERAS_HOME": "/proc/no-settings-of-keras"}


@contextlib.contextmanager
def hidden_banner() -> Iterator[None]:
    """Drops the known lines from file descriptor 2 while it lasts; whatever else is written there comes through."""
    has_gpu = bool(glob.glob("/dev/nvidia[0-9]*"))
    known = re.compile(rb"|".join(_BANNER if has_gpu else _BANNER + _BANNER_WITHOUT_GPU))
    reader, writer = os.pipe()
    # What a handler raises within Python's own hooks of a fork is printed and forgotten, and so would the signal be.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _OF_PARENT)
    try:
        child = os.fork()
        if child == 0:
            os.close(writer)
            _pass_on(reader, known)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    os.close(reader)
    saved = os.dup(2)
    os.dup2(writer, 2)
    os.close(writer)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.waitpid(child, 0)


def _pass_on(reader: int, known: re.Pattern[bytes]) -> None:
    """The forked process: copies lines from `reader` to file descriptor 2 except the known ones, then ends."""
    for number in _OF_PARENT:
        signal.signal(number, signal.SIG_IGN)  # its last words must come through
    try:
        with open(reader, "rb") as lines:
            for line in lines:
                if not known.match(line):
                    os.write(2, line)
    finally:
        os._exit(0)
