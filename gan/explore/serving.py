"""A server on this machine alone: it begins to listen, answers in threads of its own, and ends without a trace."""

import contextlib
import errno
import socket
import threading
import time
from collections.abc import Iterator

from werkzeug.serving import WSGIRequestHandler, make_server

from gan.errors import UserError
from gan.explore import security
from gan.explore.application import Application
from gan.explore.generator import Generator

_LOOPBACK = "127.0.0.1"
_WAITING = 128  # connections that wait to be taken
_WAIT = 0.2  # seconds
_LOOK = 1.0  # seconds between two looks for a newer checkpoint


class Served:
    """A page that is being served: its address, and until when."""

    def __init__(self, generator: Generator, url: str, thread: threading.Thread):
        self.generator, self.url, self._thread = generator, url, thread

    def wait(self) -> None:
        """Returns when the server has ended: in a command it is a signal that ends the wait.

        In short waits: a signal that comes when a long one is just about to begin would not be heard before its end.
        """
        while self._thread.is_alive():
            time.sleep(_WAIT)


class _Handler(WSGIRequestHandler):
    """Answers without a line on the terminal, and names no versions; a connection may be silent for a minute."""

    timeout = 60
    server_version, sys_version = "gan-engine", ""

    def version_string(self) -> str:
        """What answers say of the server."""
        return self.server_version

    def log(self, type: str, message: str, *args: object) -> None:
        """Requests are nobody's business."""


@contextlib.contextmanager
def served(generator: Generator, port: int = 0, fragment: str = "") -> Iterator[Served]:
    """Serves the page of a generator at a port, 0: a free one; follows the newest checkpoint meanwhile.

    `fragment` ends the address: what the page shows first.

    Raises `UserError` where the port cannot be had.
    """
    with _listening(port) as listener:
        port, token = listener.getsockname()[1], security.new_token()
        application = Application(generator, token, port)
        server = make_server(
            _LOOPBACK, port, application, threaded=True, request_handler=_Handler, fd=listener.fileno()
        )
    ended = threading.Event()
    answering = threading.Thread(target=server.serve_forever, args=(0.05,), name="gan-explore", daemon=True)
    following = threading.Thread(target=_follow, args=(generator, ended), name="gan-explore-follow", daemon=True)
    answering.start()
    following.start()
    try:
        yield Served(generator, f"http://{_LOOPBACK}:{port}/{token}/{fragment}", answering)
    finally:
        ended.set()
        server.shutdown()
        following.join()
        generator.close()


def _listening(port: int) -> socket.socket:
    """A socket that listens at a port of this machine; raises `UserError` where it cannot be had."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_LOOPBACK, port))
        listener.listen(_WAITING)
    except OSError as error:
        listener.close()
        reason = {errno.EADDRINUSE: "is in use", errno.EACCES: "is not for everybody"}.get(error.errno, error.strerror)
        raise UserError(f"--port={port} {reason}; choose another one, or leave it out for a free one") from error
    return listener


def _follow(generator: Generator, ended: threading.Event) -> None:
    """Looks for a newer checkpoint until the end; one that cannot be read now is looked at again."""
    while not ended.wait(_LOOK):
        with contextlib.suppress(UserError):
            generator.follow()
