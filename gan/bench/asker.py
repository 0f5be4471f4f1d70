"""Who asked for a training: when that process is gone, the training is to save and to end.

The asker hands on its number, and the training looks from its first moment on: what it is to train with takes minutes
to be ready, and when an asker dies meanwhile the system gives the training another parent.
"""

import os
import signal
import threading
import time
from collections.abc import Callable

VARIABLE = "GAN_BENCH_ASKER"  # of the environment: the number of the process that asked
_LOOK_SECONDS = 1.0


def named() -> dict[str, str]:
    """The variable for a process that this one asks for."""
    return {VARIABLE: str(os.getpid())}


def end_with_it() -> None:
    """Stops this process as by a signal once its asker is gone; one that a person has started has none."""
    number = os.environ.get(VARIABLE, "")
    if number.isdecimal():
        threading.Thread(target=watch, args=(int(number),), daemon=True).start()


def watch(asker: int, wait: Callable[[float], None] = time.sleep) -> None:
    """Looks, again and again, until the asker is not the parent of this process; then asks it to stop."""
    while os.getppid() == asker:
        wait(_LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
