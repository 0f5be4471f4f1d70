"""Probing the network, and processes that fail, stall or take too long."""

import http.server
import socket
import threading

import pytest

from gan.data.tfds import download


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


def test_any_answer_of_a_server_means_that_the_network_is_there():
    class Refusing(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_error(403)

        def log_message(self, *arguments):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert download._answers(f"http://127.0.0.1:{server.server_port}/x")
    finally:
        server.shutdown()
        server.server_close()


def test_a_server_that_is_silent_or_absent_is_no_network(monkeypatch):
    monkeypatch.setattr(download, "PROBE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert not download._answers(f"http://127.0.0.1:{port}/x")
    assert not download._answers(f"http://127.0.0.1:{port}/x")


def test_a_process_that_makes_no_progress_is_ended(monkeypatch, tmp_path):
    monkeypatch.setattr(download, "STALL_SECONDS", 0.1)
    answer = download._run(["prepare", "fashion_mnist", str(tmp_path)], 60)
    assert "no progress" in answer["error"]


def test_a_process_that_takes_too_long_is_ended_and_a_late_check_refuses_nothing(tmp_path):
    assert "took more than" in download._run(["prepare", "fashion_mnist", str(tmp_path)], 0.0)["error"]
    assert download._run(["check", "fashion_mnist", str(tmp_path)], 0.0) == {}


def test_a_process_that_dies_gives_the_reason_in_one_line(tmp_path):
    error = download._run(["prepare"], 60)["error"]
    assert "missing" in error and "\n" not in error
