"""The runtime of a web export in a folder that the person names: found, checked, told in one line where it is not."""

import shutil

import pytest

from gan.errors import UserError
from gan.export.web import packages, runtime
from tests.export.web import stand_ins

CORE, UTILITIES = (package.name for package in packages.PACKAGES)
NEEDED = {
    "litert.js",
    "wasm_utilities.js",
    "litert_wasm_internal.js",
    "litert_wasm_internal.wasm",
    "litert_wasm_compat_internal.js",
    "litert_wasm_compat_internal.wasm",
}


@pytest.fixture(autouse=True)
def known(monkeypatch):
    return stand_ins.make_known(monkeypatch)


def find(folder) -> runtime.Runtime:
    return runtime.find(str(folder), lambda line: pytest.fail(f"nothing is fetched: {line}"))


def refusal(folder) -> str:
    with pytest.raises(UserError) as caught:
        find(folder)
    line = str(caught.value)
    assert "\n" not in line
    assert str(folder) in line
    return line


@pytest.mark.parametrize("named", ["", "node_modules", f"node_modules/{CORE}"])
def test_a_folder_node_modules_the_one_above_it_and_the_package_in_it_are_the_runtime(tmp_path, named):
    stand_ins.lay(tmp_path / "node_modules")
    found = find(tmp_path / named)
    assert found.version == packages.VERSION
    assert not found.note
    assert set(found.files) == NEEDED
    assert found.files["litert_wasm_internal.wasm"] == b"\0asm first"


def test_modules_are_named_by_their_places_and_no_source_map_is(tmp_path):
    found = find(stand_ins.lay(tmp_path))
    entry = found.files["litert.js"].decode()
    assert 'from "./wasm_utilities.js"' in entry
    assert "@litertjs/wasm-utils" not in entry
    assert "Changed by gan-engine" in entry.splitlines()[0]
    assert not any(b"sourceMappingURL" in content for content in found.files.values())


def test_archives_that_npm_packed_are_the_runtime_too(tmp_path, known):
    for name, content in known.items():
        (tmp_path / name).write_bytes(content)
    assert find(tmp_path).files == find(stand_ins.lay(tmp_path / "node_modules")).files


def test_a_damaged_archive_is_refused(tmp_path, known):
    for name, content in known.items():
        (tmp_path / name).write_bytes(content)
    name = next(iter(known))
    (tmp_path / name).write_bytes(known[name][:-1])
    assert "damaged" in refusal(tmp_path)


def test_another_version_is_used_with_a_note(tmp_path):
    found = find(stand_ins.lay(tmp_path, version="2.9.0"))
    assert found.version == "2.9.0"
    assert "2.9.0" in found.note
    assert packages.VERSION in found.note


def test_another_version_that_is_built_otherwise_is_refused(tmp_path):
    stand_ins.lay(tmp_path, version="3.0.0")
    (tmp_path / CORE / "dist/index.js").write_text("export const everything = 1;")
    assert "3.0.0" in refusal(tmp_path)


@pytest.mark.parametrize("version", [packages.VERSION, "2.9.0"])
def test_a_module_that_is_none_is_damage_in_any_version(tmp_path, version):
    stand_ins.lay(tmp_path, version)
    (tmp_path / CORE / "wasm/litert_wasm_internal.wasm").write_bytes(b"<html>not found</html>")
    assert "litert_wasm_internal.wasm is damaged" in refusal(tmp_path)


def test_a_changed_byte_is_damage_in_the_known_version(tmp_path):
    stand_ins.lay(tmp_path)
    (tmp_path / CORE / "wasm/litert_wasm_internal.wasm").write_bytes(b"\0asm fIrst")
    assert "litert_wasm_internal.wasm is damaged" in refusal(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    stand_ins.lay(tmp_path)
    (tmp_path / CORE / "wasm/litert_wasm_compat_internal.js").unlink()
    assert "wasm/litert_wasm_compat_internal.js is missing" in refusal(tmp_path)


def test_a_package_that_is_missing_is_named(tmp_path):
    stand_ins.lay(tmp_path)
    shutil.rmtree(tmp_path / UTILITIES)
    assert f"no {UTILITIES}" in refusal(tmp_path)
    shutil.rmtree(tmp_path / CORE)
    assert f"no {CORE}" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"name": 3}', b'{"name": "@litertjs/core", "version": 2}'])
def test_a_package_whose_manifest_says_nothing_is_none(tmp_path, content):
    stand_ins.lay(tmp_path)
    (tmp_path / CORE / "package.json").write_bytes(content)
    assert f"no {CORE}" in refusal(tmp_path)


def test_what_is_no_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    assert "is not a folder" in refusal(tmp_path / "file")
    assert "is not there" in refusal(tmp_path / "absent")
