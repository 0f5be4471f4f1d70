"""PyTorch's files read without it: both forms, and nothing in them is run."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from gan.errors import UserError
from gan.export import state_dict
from tests.export import torch_files

ARRAYS = {
    "a.conv.weight": np.random.default_rng(0).standard_normal((4, 3, 2, 5)).astype(np.float32),
    "a.bn.running_mean": np.arange(4, dtype=np.float64),
    "a.bn.num_batches_tracked": np.array(7, np.int64),
}
FLAT = np.arange(12, dtype=np.float32)


class Harmful:
    """What runs a command when it is unpickled."""

    def __reduce__(self):
        return os.system, ("touch harmed",)


@pytest.mark.parametrize("write", [torch_files.zipped, torch_files.old])
def test_both_forms_are_read_to_the_bit(tmp_path, write):
    path = tmp_path / "x.pth"
    path.write_bytes(write(ARRAYS))
    found = state_dict.read(path)
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert (
            found[name].dtype == array.dtype and np.array_equal(found[name], array) and found[name].shape == array.shape
        )


def test_a_tensor_may_be_a_part_of_its_storage_in_another_order(tmp_path):
    (tmp_path / "x.pth").write_bytes(
        torch_files.archive(
            torch_files.table({"t": torch_files.tensor("0", FLAT[:6].reshape(2, 3), 1, (1, 2))}), [FLAT[:6]]
        )
    )
    with pytest.raises(UserError, match="outside of its storage"):
        state_dict.read(tmp_path / "x.pth")
    (tmp_path / "x.pth").write_bytes(
        torch_files.archive(
            torch_files.table({"t": torch_files.tensor("0", FLAT[:6].reshape(2, 3), 0, (1, 2))}), [FLAT[:6]]
        )
    )
    assert np.array_equal(state_dict.read(tmp_path / "x.pth")["t"], [[0, 2, 4], [1, 3, 5]])


def pickled(thing) -> bytes:
    return torch_files.archive(pickle.dumps(thing, 2), [])


def changed(place: int) -> bytes:
    content = bytearray(torch_files.zipped({"x": FLAT}))
    content[content.index(FLAT.tobytes()) + place] ^= 1
    return bytes(content)


def with_pickle(*items: bytes) -> bytes:
    return torch_files.archive(torch_files.table({str(i): item for i, item in enumerate(items)}), [FLAT])


WRONG = {
    "command": (pickled(Harmful()), r"asks for (posix|os|nt)\.system, which is no tensor, and was not read"),
    "in a tensor's place": (with_pickle(torch_files.called("builtins eval", b"(" + torch_files.word("1") + b"t")),
                            "asks for builtins.eval, which is no tensor"),
    "old form": (pickle.dumps(Harmful(), 2), "system, which is no tensor"),
    "a module": (with_pickle(torch_files.called("torch.nn.modules.linear Linear")), "Linear, which is no tensor"),
    "other types": (with_pickle(torch_files.called("torch BoolStorage")), "torch.BoolStorage, which is no tensor"),
    "cut": (torch_files.zipped(ARRAYS)[:-200], "cannot be read as a state dict, it may be cut"),
    "cut in the older form": (torch_files.old(ARRAYS)[:-3], "cannot be read as a state dict, it may be cut"),
    "empty": (b"", "cannot be read as a state dict"),
    "text": (b"no model", "cannot be read as a state dict"),
    "flipped": (changed(5), "Bad CRC-32"),
    "offset": (with_pickle(torch_files.tensor("0", FLAT, 1)), "outside of its storage"),
    "negative": (with_pickle(torch_files.tensor("0", FLAT, -1)), "outside of its storage"),
    "strides": (with_pickle(torch_files.tensor("0", FLAT, 0, (2,))), "outside of its storage"),
    "count": (with_pickle(torch_files.tensor("0", FLAT[:5])), "storage 0 has 12 numbers, not 5"),
    "no storage": (with_pickle(torch_files.tensor("1", FLAT)), "cannot be read as a state dict"),
    "compressed": (torch_files.archive(torch_files.table({}), [], zipfile.ZIP_DEFLATED), "the archive is compressed"),
    "a list": (pickled([1, 2]), "something else than tensors by name"),
    "numbers by name": (pickled({"epoch": 3}), "something else than tensors by name"),
    "deep": (torch_files.archive(b"\x80\x02" + b"(" * 10 + b".", []), "cannot be read as a state dict"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_one_line_and_is_not_run(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    content, line = WRONG[name]
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(UserError, match=line) as error:
        state_dict.read(tmp_path / "x.pth")
    assert str(error.value).startswith(f"{tmp_path}/x.pth ") and "\n" not in str(error.value)
    assert sorted(os.listdir(tmp_path)) == ["x.pth"]


def test_a_file_that_is_far_too_large_is_not_read(tmp_path):
    with (tmp_path / "x.pth").open("wb") as file:
        file.truncate(state_dict.MOST_BYTES + 1)
    with pytest.raises(UserError, match="has more than 512 MiB; give the state dict of one Inception network"):
        state_dict.read(tmp_path / "x.pth")


def test_the_pickles_of_these_tests_are_pickles():
    assert pickle.load(io.BytesIO(torch_files.table({}))) == {}
