"""Standard streams of a command, whatever it was started with."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from gan.cli.streams import _Output

SCRIPT = """
from gan.cli import streams
streams.secure()
import os, sys
with open("file", "w") as file:
    print(file.fileno() > 2, file=file)
print("caf\\u00e9 \\udcff \\x1b[31mred\\r\\x1b[K\\tend")
print("words", file=sys.stderr)
assert sys.stdin.read() == ""
os.system("echo from a child; echo from a child >&2")  # the null device is passed on to processes
"""


@pytest.mark.parametrize("closed", ["", ">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_no_file_gets_the_number_of_a_closed_stream(tmp_path, closed):
    line = f'"{sys.executable}" -c "$SCRIPT" {closed or ""}'
    environment = {"SCRIPT": SCRIPT, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONIOENCODING": "ascii"}
    options = {"stdin": subprocess.DEVNULL, "capture_output": True, "cwd": tmp_path, "env": environment}
    done = subprocess.run(["sh", "-c", line], **options, check=False)
    assert done.returncode == 0
    assert (tmp_path / "file").read_text() == "True\n"
    shown = b"caf? ? \\x1b[31mred\r\x1b[K\tend\nfrom a child\n"
    assert done.stdout in (shown, b"from a child\n" + shown.removesuffix(b"from a child\n"), b"")
    assert bool(done.stdout) == (">&-" not in closed.replace("2>&-", ""))
    assert sorted(done.stderr.split(b"\n")) == ([b""] if "2>&-" in closed else [b"", b"from a child", b"words"])


def test_what_a_terminal_obeys_is_spelled():
    raw = io.BytesIO()
    output = _Output(raw, encoding="utf-8", errors="replace")
    print("a\x1b]0;title\x07 \x9b31m \u202eabc \x1b[A\r100 %", file=output, flush=True)
    assert raw.getvalue().decode() == "a\\x1b]0;title\\x07 \\x9b31m \\u202eabc \x1b[A\r100 %\n"
