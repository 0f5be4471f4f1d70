"""The package `gan` for a command whose file is started as a script: `python gan/cli/preview.py`.

Python then looks for modules in the folder of the script, where it finds this one under the name of the package. It
gives way to the package: the folder above takes the place of that of the script.
"""

import importlib
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent

sys.path[:] = [str(_HERE.parents[1]), *(place for place in sys.path if Path(place).resolve() != _HERE)]
del sys.modules[__name__]
importlib.import_module("gan")
