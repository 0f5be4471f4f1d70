"""A manifest that somebody wrote by hand, with the right hash of a wrong content, is damage like any other."""

import hashlib
import json

import pytest

from gan.storage import manifest
from gan.storage.manifest import Damaged


def rewritten(path, **changed):
    """Changes a manifest, and its hash with it; None removes."""
    content = json.loads((path / manifest.NAME).read_text()) | changed
    content = {key: value for key, value in content.items() if value is not None and key != "content_sha256"}
    content["content_sha256"] = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    (path / manifest.NAME).write_text(json.dumps(content))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in" / "a.bin").parent.mkdir()
    (tmp_path / "in" / "a.bin").write_bytes(b"abc")
    (tmp_path / "out.bin").write_bytes(b"abc")
    manifest.write(tmp_path / "in", 3, {"images": 24})
    return tmp_path / "in"


def test_what_was_written_is_read(folder):
    assert manifest.verified(folder, 3)["facts"] == {"images": 24}
    rewritten(folder)
    assert manifest.verified(folder, 3)["step"] == 3


@pytest.mark.parametrize(
    "changed",
    [
        {"format": None},
        {"step": "3"},
        {"step": True},
        {"facts": None},
        {"facts": [1]},
        {"files": ["a.bin"]},
        {"files": {"a.bin": None}},
        {"files": {"a.bin": {"size": "3", "sha256": ""}}},
        {"files": {"a.bin": {"size": 3}}},
        {"files": {"../out.bin": {"size": 3, "sha256": hashlib.sha256(b"abc").hexdigest()}}},
    ],
)
def test_another_form_is_damage_though_its_hash_is_right(folder, changed):
    rewritten(folder, **changed)
    with pytest.raises(Damaged, match="manifest.json is garbage, though its hash is right"):
        manifest.verified(folder, 3)
