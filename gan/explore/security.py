"""Who may ask: the page that this server gave out, opened by somebody who has its address, and nobody else.

The address holds a token that only this process and the person know. A foreign site can make a browser send requests
to 127.0.0.1, also by a name of its own that it lets mean this machine (DNS rebinding); so the name that is asked, and
the site that asks, are looked at as well.
"""

import hmac
import secrets

from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Request

NAMES = ("127.0.0.1", "localhost")

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""What every answer tells the browser: nothing from elsewhere, nothing guessed, nothing kept, nothing passed on."""


def new_token() -> str:
    """A token that nobody guesses, of letters that an address may hold."""
    return secrets.token_urlsafe(24)


def check(request: Request, token: str, port: int) -> str:
    """The path behind the token; raises `Forbidden` for a request that is not the page's own."""
    hosts = {f"{name}:{port}" for name in NAMES}
    if port == 80:
        hosts |= set(NAMES)
    if request.headers.get("Host", "") not in hosts:
        raise Forbidden(
            f"this server answers to 127.0.0.1:{port} alone; from another machine: ssh -L {port}:127.0.0.1:{port}"
        )
    given, _, path = request.path.removeprefix("/").partition("/")
    if not hmac.compare_digest(given.encode(), token.encode()):
        raise Forbidden("the address lacks the right token; use the one that bin/explore has printed")
    origin = request.headers.get("Origin")
    if origin is not None and origin.removeprefix("http://") not in hosts:
        raise Forbidden("another site may not ask this server")
    site, mode = (request.headers.get(f"Sec-Fetch-{name}", "") for name in ("Site", "Mode"))
    if site in ("cross-site", "same-site") and mode != "navigate":
        raise Forbidden("another site may not ask this server")
    return path
