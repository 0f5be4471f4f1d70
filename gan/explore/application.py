"""What the server answers: the files of the page, facts, latents, pictures. Numbers travel as raw little-endian bytes.

    GET  TOKEN/                             index.html, and beside it the other files of the page
    GET  TOKEN/api/facts                    all that a page must know, JSON
    GET  TOKEN/api/steps                    {"step", "steps"}: what changes while a run trains
    GET  TOKEN/api/latents?seed&first&count float32 [count, latent_size]
    POST TOKEN/api/draw?count[&step]        latents float32 [count, latent_size], in a conditional run labels int32
                                            [count] behind them -> pixels uint8 [count, H, W, C]; X-Step: who drew
    POST TOKEN/api/animation/gif?count[&step]   the same, the frames of an animation -> image/gif

What cannot be answered gets one line of plain text: 400, 403, 404, 405, 410 (the step has gone), 413, 503 (the run's
folder cannot be read).
"""

import json
import re
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import PurePath

import numpy as np
from werkzeug.exceptions import BadRequest, HTTPException, MethodNotAllowed, NotFound
from werkzeug.wrappers import Request, Response

from gan.errors import UserError
from gan.explore import animations, security
from gan.explore.generator import Generator, Gone, facts
from gan.page import files
from gan.text import printable

MOST_DRAWN = 64  # images of one request
MOST_FRAMES = 240
MOST_LATENTS = 256
LAST_EXAMPLE = 10**9
LARGEST_SEED = 2**63 - 1
LARGEST_STEP = 10**12
_BYTES = 4  # of a number


class Application:
    """The WSGI application of a generator at a port; `token` is what its addresses begin with."""

    def __init__(self, generator: Generator, token: str, port: int):
        self._generator, self._token, self._port = generator, token, port
        self._files = files.common() | {files.BACKEND: files.read("server_backend.js")}
        self._asked: dict[str, tuple[str, Callable[[Request], Response]]] = {
            "api/facts": ("GET", lambda request: _json(facts(generator))),
            "api/steps": ("GET", lambda request: _json({"step": generator.shown.step, "steps": generator.steps()})),
            "api/latents": ("GET", self._latents),
            "api/draw": ("POST", self._draw),
            "api/animation/gif": ("POST", self._animation),
        }

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        request = Request(environ)
        try:
            answer = self._answer(request)
        except HTTPException as refusal:
            answer = _line(refusal.code, refusal.description, refusal.get_headers())
        except Gone as gone:
            answer = _line(410, str(gone))
        except UserError as error:  # the run's folder cannot be read
            answer = _line(503, str(error))
        except Exception:  # a fault of the program: the page gets a line, the terminal all of it
            traceback.print_exc(file=sys.stderr)
            answer = _line(500, "the server failed; its terminal shows how")
        answer.headers.extend(security.HEADERS)
        return answer(environ, start_response)

    def _answer(self, request: Request) -> Response:
        path = security.check(request, self._token, self._port)
        if path in self._asked:
            method, make = self._asked[path]
            _check_method(request, method)
            return make(request)
        name = path or "index.html"
        if name not in self._files:
            raise NotFound("there is nothing of that name here")
        _check_method(request, "GET")
        if request.path == f"/{self._token}":  # the files beside the page are found from its folder alone
            return Response("", 308, {"Location": f"/{self._token}/"})
        kind = files.TYPES[PurePath(name).suffix]
        return Response(self._files[name], content_type=f"{kind}; charset=utf-8")

    def _latents(self, request: Request) -> Response:
        seed = _integer(request, "seed", 0, LARGEST_SEED)
        first = _integer(request, "first", 0, LAST_EXAMPLE)
        count = _integer(request, "count", 1, MOST_LATENTS)
        return _bytes(self._generator.latents(seed, first, count))

    def _draw(self, request: Request) -> Response:
        images, step = self._generator.draw(*self._points(request, MOST_DRAWN))
        return _bytes(images, {"X-Step": str(step)})

    def _animation(self, request: Request) -> Response:
        images, step = self._generator.draw(*self._points(request, MOST_FRAMES))
        return Response(animations.gif(images), content_type="image/gif", headers={"X-Step": str(step)})

    def _points(self, request: Request, most: int) -> tuple[np.ndarray, np.ndarray | None, int | None]:
        """(latents, labels, step) of a request; raises `BadRequest`."""
        count = _integer(request, "count", 1, most)
        step = _integer(request, "step", 0, LARGEST_STEP) if "step" in request.args else None
        run = self._generator.run
        size, conditional = run.config.latent_size, run.config.conditional
        expected = count * (size + conditional) * _BYTES
        request.max_content_length = expected  # a larger body is refused unread, with 413
        body = request.get_data(cache=False)
        if len(body) != expected:
            what = f"{count} x {size} latents" + f" and {count} labels" * conditional
            raise BadRequest(f"the body has {len(body)} bytes; {what} are {expected}")
        latents = np.frombuffer(body, "<f4", count * size).reshape(count, size)
        if not np.isfinite(latents).all():
            raise BadRequest("a latent is not finite")
        if not conditional:
            return latents, None, step
        labels = np.frombuffer(body, "<i4", count, count * size * _BYTES)
        if unknown := sorted(set(labels.tolist()) - set(run.classes)):
            raise BadRequest(f"there is no class {unknown[0]}")
        return latents, labels, step


def _check_method(request: Request, method: str) -> None:
    """Raises `MethodNotAllowed` for any other; what may be got may be asked for its head."""
    allowed = [method, "HEAD"] if method == "GET" else [method]
    if request.method not in allowed:
        raise MethodNotAllowed(allowed, f"this takes {method} alone")


def _integer(request: Request, name: str, least: int, most: int) -> int:
    """The whole number `name` of a query; raises `BadRequest`."""
    text = request.args.get(name, "")
    if not re.fullmatch("[0-9]{1,19}", text) or not least <= int(text) <= most:
        raise BadRequest(f"{name} must be a whole number from {least} to {most}")
    return int(text)


def _json(value: object) -> Response:
    return Response(json.dumps(value), content_type="application/json")


def _bytes(array: np.ndarray, headers: dict[str, str] | None = None) -> Response:
    """An array as its bytes, row by row."""
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return Response(little.tobytes(), content_type="application/octet-stream", headers=headers)


def _line(code: int, text: str, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """An answer of one line of plain text; of an exception's headers only those methods that are allowed."""
    kept = [(name, value) for name, value in headers if name == "Allow"]
    return Response(f"{printable(text)}\n", code, kept, content_type="text/plain; charset=utf-8")
