"""bin/explore as a process: its address, what ends it, and what it says of mistakes."""

import http.client
import re
import signal
import socket
import time
import urllib.request
from pathlib import Path

import pytest

from tests.commands import Server, Start
from tests.explore import runs


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    return runs.begin(tmp_path_factory.mktemp("explored") / "run", "article", (1, 2))


def address(started: Start) -> str:
    """The address that a start has printed."""
    while not (found := re.search(r"http://\S+", started.out)):
        assert started.is_running(), started.err
        time.sleep(0.005)
    return found[0]


def started(server: Server, run: Path, *arguments: str, **options) -> Start:
    return server.start(f"--workdir={run}", *arguments, command="explore", **options)


def test_it_prints_one_address_serves_it_and_ends_by_ctrl_c(server, run):
    start = started(server, run, "--noopen")
    url = address(start)
    assert start.out == f"{run}: step 2 at {url} until Ctrl-C\n"
    with urllib.request.urlopen(f"{url}api/steps") as answer:
        assert answer.read() == b'{"step": 2, "steps": [1, 2]}'
        assert "Python" not in answer.headers["Server"] and "Werkzeug" not in answer.headers["Server"]
    start.send(signal.SIGINT)
    assert start.wait() == 130 and start.err == ""
    with pytest.raises(OSError):
        urllib.request.urlopen(url)


def test_a_signal_ends_it_at_once_and_while_a_request_is_half_sent(server, run):
    start = started(server, run, "--noopen", "--step=1")
    url = address(start)
    assert "step 1 at" in start.out and url.endswith("/#step=1")
    port = int(re.search(r":(\d+)/", url)[1])
    with socket.create_connection(("127.0.0.1", port)) as silent:
        silent.sendall(b"POST / HTTP/1.1\r\nHost: ")
        start.send(signal.SIGTERM)
        assert start.wait() == 143 and start.err == ""


def test_it_listens_on_this_machine_alone_and_ends_with_its_terminal(server, run):
    start = started(server, run, "--noopen")
    port = int(re.search(r":(\d+)/", address(start))[1])
    table = Path(f"/proc/{start.pid}/net/tcp").read_text() + Path(f"/proc/{start.pid}/net/tcp6").read_text()
    heard = [line.split()[1] for line in table.splitlines() if line.split()[3] == "0A"]
    assert [place for place in heard if place.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/", headers={"Host": "evil.example"})
    assert connection.getresponse().status == 403
    start.send(signal.SIGHUP)
    assert start.wait() == 129 and start.err == ""


def test_it_opens_the_browser_at_the_view_and_a_missing_browser_is_no_error(server, run, tmp_path):
    opener, noted = tmp_path / "opener", tmp_path / "noted"
    opener.write_text(f'#!/bin/sh\nprintf "%s" "$1" >{noted}.new && mv {noted}.new {noted}\n')
    opener.chmod(0o755)
    view = "http://127.0.0.1:1/gone/#seed=3&step=2&at=3:12"
    start = started(server, run, f"--view={view}", "--step=1", BROWSER=f"{opener} %s")
    without = started(server, run, BROWSER=str(tmp_path / "none"))
    for each in (start, without):
        assert address(each)
    assert address(start).partition("#")[0] != address(without).partition("#")[0]
    while not noted.exists():
        assert start.is_running()
        time.sleep(0.005)
    assert noted.read_text() == address(start) and address(start).endswith("/#step=1&seed=3&at=3:12")
    for each in (start, without):
        each.send(signal.SIGTERM)
        assert each.wait() == 143 and each.err == ""


def test_mistakes_are_one_line(call_many, run, tmp_path):
    empty = runs.begin(tmp_path / "empty", "article", ())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        mistakes = {
            "--workdir is missing": [],
            f"--port={port} is in use; choose another one": [f"--workdir={run}", f"--port={port}"],
            "--port=65536 must be from 0 to 65,535": [f"--workdir={run}", "--port=65536"],
            "--port=-1 must be": [f"--workdir={run}", "--port=-1"],
            "has no checkpoint yet; wait until its trainer has saved one": [f"--workdir={empty}"],
            "has no checkpoint of step 7; choose one of 1, 2": [f"--workdir={run}", "--step=7"],
            "there is no run": [f"--workdir={tmp_path}/gone"],
        }
        done = call_many("explore", [["--noopen", *arguments] for arguments in mistakes.values()])
    for words, call in zip(mistakes, done, strict=True):
        assert call.code == 2 and call.out == ""
        assert call.err.count("\n") == 1 and call.err.startswith("error: ") and words in call.err, call.err
