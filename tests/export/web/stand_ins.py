"""Stand-ins for the packages of LiteRT.js: small ones, known to the program in the place of the real ones."""

import base64
import hashlib
import io
import json
import stat
import tarfile
from pathlib import Path

from gan.export.web import npm, packages, runtime
from gan.export.web.packages import Package

CONTENTS = {
    "@litertjs/core": {
        "dist/index.js": b'import { createWasmLib } from "@litertjs/wasm-utils";\n//# sourceMappingURL=a.map',
        "wasm/litert_wasm_internal.js": b"// loader",
        "wasm/litert_wasm_internal.wasm": b"\0asm first",
        "wasm/litert_wasm_compat_internal.js": b"// other loader",
        "wasm/litert_wasm_compat_internal.wasm": b"\0asm second",
        "wasm/litert_wasm_threaded_internal.wasm": b"\0asm not needed",
    },
    "@litertjs/wasm-utils": {"dist/index.js": b"export { createWasmLib };\n//# sourceMappingURL=index.js.map"},
}


def manifest(name: str, version: str = packages.VERSION) -> bytes:
    return json.dumps({"name": name, "version": version}).encode()


def archive(name: str) -> bytes:
    """The archive that npm would make of a stand-in."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as opened:
        for path, content in {**CONTENTS[name], "package.json": manifest(name)}.items():
            member = tarfile.TarInfo(f"package/{path}")
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))
    return made.getvalue()


def lay(folder: Path, version: str = packages.VERSION) -> Path:
    """The stand-ins below a folder node_modules, as npm installs them."""
    for name, files in CONTENTS.items():
        for path, content in {**files, "package.json": manifest(name, version)}.items():
            place = folder / name / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    return folder


def make_known(monkeypatch) -> dict[str, bytes]:
    """Lets the program take the stand-ins for the packages; returns their archives by file name."""
    archives = {name: archive(name) for name in CONTENTS}
    known = []
    for package in packages.PACKAGES:
        digest = base64.b64encode(hashlib.sha512(archives[package.name]).digest()).decode()
        files = {path: hashlib.sha256(CONTENTS[package.name][path]).hexdigest() for path in package.files}
        known.append(Package(package.name, f"sha512-{digest}", files))
    for module in (packages, npm, runtime):
        monkeypatch.setattr(module, "PACKAGES", tuple(known))
    return {package.archive: archives[package.name] for package in known}


def put_npm(monkeypatch, folder: Path, script: str) -> None:
    """A program npm, first on the PATH, that is a shell script."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "npm"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
