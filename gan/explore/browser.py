"""The person's own browser, opened at an address."""

import os
import sys
import threading
import webbrowser

_WINDOWS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")  # without one a browser would be one of the terminal


def show(url: str) -> bool:
    """Opens an address in the browser of this machine, unless there is none with windows; whether it was tried.

    It is done beside everything else: some browsers come back only when they are closed.
    """
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in _WINDOWS):
        return False
    threading.Thread(target=_open, args=(url,), name="gan-browser", daemon=True).start()
    return True


def _open(url: str) -> None:
    try:
        webbrowser.open(url)
    except (webbrowser.Error, OSError):  # the address has been printed
        return
