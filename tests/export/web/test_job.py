"""bin/export --format=web as a job: the folder appears whole or not at all, and replaces its own kind alone."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan.errors import StorageError, UserError
from gan.export import interpreters
from gan.export.web import runtime, site
from gan.jobs import export
from gan.jobs.requests import Export
from tests.explore import runs
from tests.export.web import stand_ins

litert = pytest.importorskip("ai_edge_litert.interpreter")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "my run"
    return runs.begin(folder, "modern_conditional", (100, 200), names=(*runs.NAMES, "never"), shares=(0.4, 0.3, 0.3, 0))


@pytest.fixture
def packages(monkeypatch, tmp_path) -> Path:
    stand_ins.make_known(monkeypatch)
    return stand_ins.lay(tmp_path / "node_modules")


def exported(run: Path, packages: Path, **options) -> export.Result:
    return export.run(Export(str(run), "web", runtime=str(packages), **options))


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_folder_holds_page_model_runtime_and_card_and_the_words_say_how_to_look_at_it(run, packages, capsys):
    done = exported(run, packages)
    assert done.folder == run / "exports" / "step_0000000200" / "web"
    found = files(done.folder)
    assert {"index.html", "backend.js", "philox.js", "model.tflite", "facts.json", "LICENSE"} < set(found)
    assert {"README.md", "samples.png", "model.json"} < set(found)
    assert {name.partition("/")[2] for name in found if "/" in name} == {*runtime_names(packages), "LICENSE"}
    facts, told = json.loads(found["facts.json"]), json.loads(found["model.json"])
    assert (facts["title"], facts["step"]) == ("my run", 200)
    assert [each["name"] for each in facts["classes"]] == list(runs.NAMES)
    assert (told["format"], told["generator"], told["discriminator"]) == ("web", "model.tflite", None)
    assert Image.open(done.folder / "samples.png").size[0] > 28
    out = capsys.readouterr().out
    assert f"python3 -m http.server --directory '{done.folder}' 8000" in out
    assert "http://localhost:8000/" in out


def runtime_names(packages: Path) -> set[str]:
    return set(runtime.find(str(packages), lambda line: None).files)


def test_the_model_draws_one_picture_as_the_engine_does(run, packages, tmp_path):
    done = exported(run, packages, out=str(tmp_path / "out"), step=100)
    (model,) = done.models
    assert model.difference < 1e-5
    function = interpreters.litert((done.folder / "model.tflite").read_bytes(), ("latents", "labels"))
    facts = json.loads((done.folder / "facts.json").read_text())
    one = function(np.zeros((1, facts["latent_size"]), np.float32), np.int32([1]))
    assert one.shape == (1, *facts["image_shape"])


def test_a_page_is_replaced_by_the_next_one_and_what_else_lies_there_stays(run, packages, tmp_path):
    out = tmp_path / "site"
    out.mkdir()
    (out / "mine.txt").write_text("precious")
    exported(run, packages, out=str(out), step=100)
    first = files(out)
    exported(run, packages, out=str(out))
    second = files(out)
    assert set(first) == set(second)
    assert second["mine.txt"] == b"precious"
    assert json.loads(second["facts.json"])["step"] == 200
    assert first["model.tflite"] != second["model.tflite"]


@pytest.mark.parametrize(
    "name", ["index.html", "README.md", "LICENSE", "style.css", "facts.json", "runtime/litert.js", "runtime/data/mine"]
)
def test_a_file_of_somebody_elses_is_not_replaced(run, packages, tmp_path, name):
    path = tmp_path / "site" / name
    path.parent.mkdir(parents=True)
    path.write_text("precious")
    with pytest.raises(UserError, match=name.rpartition("/data")[0] or name):
        exported(run, packages, out=str(tmp_path / "site"))
    assert files(tmp_path / "site") == {name: b"precious"}


def test_a_page_that_somebody_worked_on_is_not_replaced(run, packages, tmp_path):
    exported(run, packages, out=str(tmp_path / "site"), step=100)
    (tmp_path / "site/style.css").write_text("mine")
    before = files(tmp_path / "site")
    with pytest.raises(UserError, match="style.css is there but not as an export wrote it"):
        exported(run, packages, out=str(tmp_path / "site"))
    assert files(tmp_path / "site") == before


def test_without_a_runtime_nothing_is_written(run, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no @litertjs/core"):
        exported(run, tmp_path / "empty", out=str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_filled_is_not_there(run, packages, tmp_path, monkeypatch):
    write_bytes = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if path.name == "philox.js":
            raise OSError(28, "No space left on device", str(path))
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError):
        exported(run, packages, out=str(tmp_path / "out"))
    assert [path.name for path in tmp_path.iterdir()] == ["node_modules"]


def test_a_document_without_its_marks_is_a_fault_of_the_program(monkeypatch):
    with pytest.raises(ValueError, match="index.html has no single"):
        site._index("<!doctype html><title>other</title>")
