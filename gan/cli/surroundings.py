"""What a process has around it and must not depend on: settings that a person keeps for other programs.

Libraries read settings of their own from the environment. What they would change in a command is a matter of its
flags, so those are taken out of the environment of its process before a library is imported.
"""

import os
import re
import sys
import warnings
from pathlib import Path

from gan.errors import UserError

_FOREIGN = (
    "MPLBACKEND",  # how matplotlib shows figures: Jupyter's cannot be used outside
    "MATPLOTLIBRC",
    "NPY_PROMOTION_STATE",  # the types of NumPy's results
    "PYTHONWARNINGS",
    "TF_USE_LEGACY_KERAS",
    "TF_XLA_FLAGS",  # --jit_compile says what XLA compiles; a flag that XLA does not know ends the process
)
_FOREIGN_FAMILIES = ("TQDM_",)  # the defaults of every argument of a progress bar
# Wanted, but where they are nonsense a library tells so at each start.
_WITH_SENSE = {"OMP_NUM_THREADS": r"[1-9]\d{0,4}(,[1-9]\d{0,4})*", "TF_ENABLE_ONEDNN_OPTS": "0|1|false|true"}
_ROOT = str(Path(__file__).parents[2])


def leave() -> None:
    """Makes the process what its flags alone say."""
    for name in [name for name in os.environ if name in _FOREIGN or name.startswith(_FOREIGN_FAMILIES)]:
        del os.environ[name]
    for name, sense in _WITH_SENSE.items():
        if not re.fullmatch(sense, os.environ.get(name, "1")):
            del os.environ[name]
    # Warnings of libraries are for those who write programs; under -W error each would end the command.
    sys.warnoptions.clear()
    warnings.resetwarnings()
    warnings.simplefilter("ignore")


def check_folder() -> None:
    """Raises `UserError` if the current folder was removed: nothing could be found or written from there.

    Takes it from the head of the places where Python looks for modules: any numpy.py may lie there.
    """
    try:
        here = os.getcwd()
    except OSError:
        raise UserError("the current folder is not there any more; change to another one") from None
    if not getattr(sys.flags, "safe_path", False) and sys.path[0] in ("", here) and here != _ROOT:
        del sys.path[0]
