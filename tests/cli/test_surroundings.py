"""What a process has around it and must not depend on."""

import os
import sys
import warnings

import pytest

from gan.cli import surroundings
from gan.errors import UserError


def test_settings_for_other_programs_are_left_behind(monkeypatch):
    foreign = {"MPLBACKEND": "x", "TQDM_NCOLS": "x", "TF_XLA_FLAGS": "--x", "PYTHONWARNINGS": "error"}
    kept = {"OMP_NUM_THREADS": "4,2", "TF_ENABLE_ONEDNN_OPTS": "0", "XLA_FLAGS": "--xla_gpu_cuda_data_dir=/x"}
    for name, value in {**foreign, **kept}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "warnoptions", ["error"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        surroundings.leave()
        warnings.warn("a library's", stacklevel=1)
    assert sys.warnoptions == [] and not foreign.keys() & os.environ.keys()
    assert {name: os.environ[name] for name in kept} == kept


@pytest.mark.parametrize(
    ("name", "value"), [("OMP_NUM_THREADS", "many"), ("OMP_NUM_THREADS", "0"), ("TF_ENABLE_ONEDNN_OPTS", "yes")]
)
def test_nonsense_is_left_behind(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with warnings.catch_warnings():
        surroundings.leave()
    assert name not in os.environ


def test_a_folder_that_is_gone_is_told(monkeypatch, tmp_path):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(UserError, match="the current folder is not there any more"):
        surroundings.check_folder()
