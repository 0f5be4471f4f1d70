"""What the server answers, and to whom: nothing to anybody but the page that it gave out."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from werkzeug.test import Client, TestResponse

from gan.errors import UserError
from gan.explore import security
from gan.explore.application import Application
from gan.explore.generator import Generator
from gan.page import files
from gan.runs import trained, workdir
from gan.sampling import sampler
from tests.explore import runs

TOKEN, PORT = "t0ken_of-the-test", 4321
ROOT = f"/{TOKEN}/"
HOME = {"Host": f"127.0.0.1:{PORT}"}
COUNT, SIZE = 3, 16


@pytest.fixture(scope="module")
def application(generator) -> Application:
    return Application(generator, TOKEN, PORT)


@pytest.fixture(scope="module")
def ask(application) -> Callable[..., TestResponse]:
    """A function (path, method, body, headers) -> the answer; the path is that behind the token."""

    def asked(path: str, method: str = "GET", body: bytes = b"", headers: dict | None = None, root: str = ROOT):
        return Client(application).open(f"{root}{path}", method=method, data=body, headers={**HOME, **(headers or {})})

    return asked


@pytest.fixture(scope="module")
def body(generator) -> bytes:
    """Three latents of the seed 5 and their labels."""
    return generator.latents(5, 0, COUNT).tobytes() + np.int32([0, 1, 2]).tobytes()


def is_a_line(answer: TestResponse, code: int) -> str:
    """The one line that an answer says."""
    assert answer.status_code == code, answer.text
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.text.count("\n") == 1 and answer.text.endswith("\n") and "Traceback" not in answer.text
    return answer.text


def test_the_page_and_all_of_its_files_are_there(ask):
    assert ask("").data == files.read("index.html")
    for name in files.COMMON:
        answer = ask(name)
        assert answer.status_code == 200 and answer.data == files.read(name)
        assert answer.content_type.endswith("; charset=utf-8")
    assert ask("backend.js").data == files.read("server_backend.js")
    assert ask("page.js").mimetype == "text/javascript"
    assert ask("", root=f"/{TOKEN}").headers["Location"] == ROOT


def test_every_answer_forbids_what_a_page_does_not_need(ask, body):
    answers = [ask(""), ask("api/facts"), ask("gone"), ask("", root="/wrong/"), ask("api/draw?count=3", "POST", body)]
    for answer in answers:
        for name, value in security.HEADERS.items():
            assert answer.headers.getlist(name) == [value]
    policy = dict(part.strip().split(" ", 1) for part in answers[0].headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["form-action"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in answers[0].headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["", "page.js", "api/facts", "api/draw?count=1", "gone"])
@pytest.mark.parametrize("root", ["/", "/wrong/", f"/{TOKEN[:-1]}/", f"/{TOKEN}x/", "/%ff/", f"//{TOKEN}/"])
def test_nothing_without_the_right_token(ask, path, root):
    for method in ("GET", "POST"):
        assert "lacks the right token" in is_a_line(ask(path, method, root=root), 403)


@pytest.mark.parametrize(
    "host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:80", "", f"[::1]:{PORT}"]
)
@pytest.mark.parametrize("path", ["", "api/facts"])
def test_nothing_under_a_foreign_name(ask, host, path):
    assert f"ssh -L {PORT}:127.0.0.1:{PORT}" in is_a_line(ask(path, headers={"Host": host}), 403)


FOREIGN = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": f"https://127.0.0.1:{PORT}"},
    {"Origin": f"http://127.0.0.1:{PORT + 1}"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_nothing_to_another_site(ask, body, headers):
    for answer in (ask("api/facts", headers=headers), ask("api/draw?count=3", "POST", body, headers)):
        assert "another site" in is_a_line(answer, 403)


def test_the_own_page_is_answered_under_both_names(ask, body):
    for name in ("127.0.0.1", "localhost"):
        own = {"Host": f"{name}:{PORT}", "Origin": f"http://{name}:{PORT}", "Sec-Fetch-Site": "same-origin"}
        assert ask("api/draw?count=3", "POST", body, own).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["", "page.js", "api/facts", "api/steps", "api/latents?seed=0&first=0&count=1"])
def test_what_is_read_takes_no_other_method(ask, path, method):
    answer = ask(path, method)
    assert is_a_line(answer, 405) and answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["api/draw?count=1", "api/animation/gif?count=1"])
def test_what_is_drawn_takes_no_other_method(ask, path, method):
    answer = ask(path, method)
    assert is_a_line(answer, 405) and answer.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    "path", ["gone", "server_backend.js", "files.py", "__init__.py", "../files.py", "api", "api/", "api/animation/mp4"]
)
def test_nothing_else_is_there(ask, path):
    is_a_line(ask(path), 404)


LATENTS = "a whole number from"
BAD_NUMBERS = [
    *[
        f"api/latents?seed={seed}&first=0&count=1"
        for seed in ("", "-1", "1.5", "x", "9223372036854775808", "１", "1" * 5000)
    ],
    *[f"api/latents?seed=0&first={first}&count=1" for first in ("-1", "1000000001")],
    *[f"api/latents?seed=0&first=0&count={count}" for count in ("0", "257", "-1", "1e9")],
    "api/latents",
]


@pytest.mark.parametrize("path", BAD_NUMBERS, ids=range(len(BAD_NUMBERS)))
def test_latents_of_what_is_no_number_are_refused(ask, path):
    assert LATENTS in is_a_line(ask(path), 400)


@pytest.mark.parametrize(
    "query", ["", "count=", "count=0", "count=-1", "count=65", "count=3&step=", "count=3&step=-1", "count=3&step=x"]
)
def test_drawing_of_what_is_no_count_is_refused(ask, body, query):
    assert LATENTS in is_a_line(ask(f"api/draw?{query}", "POST", body), 400)
    assert "from 1 to 240" in is_a_line(ask("api/animation/gif?count=241", "POST", body), 400)


def test_bodies_of_another_size_are_refused(ask, body):
    for wrong in (b"", body[:-1], body[: COUNT * SIZE * 4]):
        assert "3 x 16 latents and 3 labels are 204" in is_a_line(ask("api/draw?count=3", "POST", wrong), 400)
    for large in (body + b"\0", body * 1000):
        is_a_line(ask("api/draw?count=3", "POST", large), 413)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_latents_that_are_not_finite_are_refused(ask, body, value):
    wrong = np.float32(value).tobytes() + body[4:]
    assert "not finite" in is_a_line(ask("api/draw?count=3", "POST", wrong), 400)


@pytest.mark.parametrize("label", [-1, 3, 4, 2**31 - 1])
def test_classes_that_were_not_learnt_are_refused(ask, body, label):
    wrong = body[:-4] + np.int32(label).tobytes()
    assert f"there is no class {label}" in is_a_line(ask("api/draw?count=3", "POST", wrong), 400)


def test_latents_are_those_of_bin_sample(ask):
    for seed, first in ((0, 0), (2**63 - 1, 40), (7, 10**9)):
        found = np.frombuffer(ask(f"api/latents?seed={seed}&first={first}&count=5").data, "<f4").reshape(5, SIZE)
        np.testing.assert_array_equal(found, sampler.latents(seed, first, 5, SIZE).numpy())


def test_pictures_are_those_of_bin_sample_of_any_step(ask, body, conditional_run):
    drawn = set()
    for step in (None, 100, 200, 300):
        answer = ask("api/draw?count=3" + (f"&step={step}" if step else ""), "POST", body)
        of = trained.open(conditional_run, step)
        expected = sampler.images_of(
            trained.generator(of.run), of.generator, sampler.latents(5, 0, COUNT, SIZE).numpy(), [0, 1, 2]
        )
        assert answer.data == expected.tobytes() and answer.headers["X-Step"] == str(step or 300)
        assert answer.content_type == "application/octet-stream"
        drawn.add(answer.data)
    assert len(drawn) == 3


def test_a_step_that_is_not_there_is_one_line(ask, body):
    assert "no checkpoint of step 150; choose one of 100, 200, 300" in is_a_line(
        ask("api/draw?count=3&step=150", "POST", body), 410
    )


def test_an_animation_has_a_frame_for_each_latent(ask, body, tmp_path):
    answer = ask("api/animation/gif?count=3", "POST", body)
    assert answer.mimetype == "image/gif" and answer.headers["X-Step"] == "300"
    path = tmp_path / "walk.gif"
    path.write_bytes(answer.data)
    images = np.frombuffer(ask("api/draw?count=3", "POST", body).data, np.uint8).reshape(3, 28, 28)
    with Image.open(path) as animation:
        assert animation.n_frames == 3 and animation.size == (224, 224) and animation.info["loop"] == 0
        for i, image in enumerate(images):
            animation.seek(i)
            np.testing.assert_array_equal(np.asarray(animation.convert("L"))[4::8, 4::8], image)


def test_facts_are_json_and_heads_have_no_body(ask):
    facts = json.loads(ask("api/facts").data)
    assert facts["step"] == 300 and len(facts["directions"]) == 10
    assert json.loads(ask("api/steps").data) == {"step": 300, "steps": [100, 200, 300]}
    head = ask("api/facts", "HEAD")
    assert head.status_code == 200 and head.data == b""


def test_a_fault_of_the_program_is_one_line_and_its_traceback_is_on_the_terminal(generator, monkeypatch, capsys):
    monkeypatch.setattr(type(generator), "steps", lambda self: 1 // 0)
    answer = Client(Application(generator, TOKEN, PORT)).get(f"{ROOT}api/steps", headers=HOME)
    assert "its terminal shows how" in is_a_line(answer, 500)
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_run_that_has_gone_is_one_line(tmp_path):
    folder = runs.begin(tmp_path / "run", "article", (1, 2))
    own = Generator(trained.saved_run(folder))
    own.params(1)
    client, body = Client(Application(own, TOKEN, PORT)), own.latents(0, 0, 1).tobytes()
    shutil.rmtree(folder / workdir.CHECKPOINTS / "step_0000000001")
    assert json.loads(client.get(f"{ROOT}api/steps", headers=HOME).data)["steps"] == [2]
    for lost, words in ((folder / workdir.CHECKPOINTS / "step_0000000002", "has no"), (folder, "is not there")):
        shutil.rmtree(lost)
        for path in ("api/steps", "api/facts"):
            line = is_a_line(client.get(f"{ROOT}{path}", headers=HOME), 503)
            assert line.startswith(f"{folder / workdir.CHECKPOINTS} {words}")
        with pytest.raises(UserError):
            own.follow()
        assert client.post(f"{ROOT}api/draw?count=1&step=1", data=body, headers=HOME).status_code == 200
        is_a_line(client.post(f"{ROOT}api/draw?count=1&step=3", data=body, headers=HOME), 503)


def test_an_unreadable_folder_of_checkpoints_is_one_line(conditional_run, generator, monkeypatch):
    def refused(path: Path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("os.listdir", refused)
    answer = Client(Application(generator, TOKEN, PORT)).get(f"{ROOT}api/steps", headers=HOME)
    assert workdir.CHECKPOINTS in is_a_line(answer, 503)
