"""In which order a start reads what it is given: mistakes are told before anything that takes long."""

import pytest

from gan import build
from gan.errors import UserError
from gan.jobs import train
from gan.jobs.requests import Train


def test_what_a_run_begins_with_is_read_before_a_large_set_is_listed(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "source", lambda config: pytest.fail("the data were opened"))
    request = Train(
        {"dataset": f"folder:{tmp_path}", "init_from": str(tmp_path / "gone")}, workdir=str(tmp_path / "run")
    )
    with pytest.raises(UserError, match="--init_from=.*gone: there is no such folder"):
        train.run(request)
