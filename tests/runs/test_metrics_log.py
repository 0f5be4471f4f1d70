"""metrics.jsonl: strict JSON, tolerant of a torn end, cut back without touching what stays."""

import json
import os

import numpy as np
import pytest

from gan.errors import UserError
from gan.runs import metrics_log


def write(path, *steps: int) -> bytes:
    data = b"".join(metrics_log.encode(step, {"d_loss": step / 3}) for step in steps)
    path.write_bytes(data)
    return data


def test_a_line_is_strict_json_with_the_step_first():
    values = {"images": 2560, "d_loss": np.float32(0.1), "g_loss": float("nan"), "norm": float("inf")}
    line = metrics_log.encode(np.int64(20), values)
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    row = json.loads(line, parse_constant=lambda name: pytest.fail(name))
    assert list(row) == ["step", "images", "d_loss", "g_loss", "norm"]
    assert row == {"step": 20, "images": 2560, "d_loss": float(np.float32(0.1)), "g_loss": None, "norm": None}


def test_reading_leaves_out_a_torn_last_line(tmp_path):
    path = tmp_path / metrics_log.FILE_NAME
    data = write(path, 10, 20, 30)
    for cut in (1, 5, 20):
        path.write_bytes(data[:-1] + b"\n" + data[:cut])
        assert [row["step"] for row in metrics_log.read_metrics(tmp_path)] == [10, 20, 30]
    path.write_bytes(b"")
    assert metrics_log.read_metrics(tmp_path) == []


def test_reading_names_what_is_wrong(tmp_path):
    with pytest.raises(UserError, match=r"nothing/metrics\.jsonl.*--workdir"):
        metrics_log.read_metrics(tmp_path / "nothing")
    path = tmp_path / metrics_log.FILE_NAME
    path.write_bytes(metrics_log.encode(1, {}) + b"\xff{\n" + metrics_log.encode(3, {}))
    with pytest.raises(UserError, match="damaged in line 2"):
        metrics_log.read_metrics(tmp_path)


def test_truncation_keeps_the_bytes_up_to_the_step(tmp_path):
    path = tmp_path / metrics_log.FILE_NAME
    write(path, 10, 20, 30, 40)
    path.write_bytes(path.read_bytes() + b'{"step": 2')  # torn: 2 is not a step here
    metrics_log.truncate(path, 25)
    assert path.read_bytes() == metrics_log.encode(10, {"d_loss": 10 / 3}) + metrics_log.encode(20, {"d_loss": 20 / 3})
    metrics_log.truncate(path, 0)
    assert path.read_bytes() == b""


def test_truncation_leaves_a_log_without_excess_alone(tmp_path):
    path = tmp_path / metrics_log.FILE_NAME
    write(path, 10, 20)
    os.utime(path, (1, 1))
    metrics_log.truncate(path, 20)
    assert path.stat().st_mtime == 1
    metrics_log.truncate(tmp_path / "missing.jsonl", 20)
    assert not (tmp_path / "missing.jsonl").exists()


@pytest.mark.parametrize(
    "value", ["[]", '"1"', "{}", "true", "1" + "0" * 400, '{"a": [null]}', "[" * 100_000], ids=lambda value: value[:9]
)
def test_what_is_no_number_is_damage_and_left_where_it_is(tmp_path, value):
    path = tmp_path / metrics_log.FILE_NAME
    lines = b'{"step": 1, "d_loss": null}\n', b'{"step": 2, "d_loss": %s}\n' % value.encode()
    path.write_bytes(b"".join(lines))
    with pytest.raises(UserError, match="is damaged in line 2; remove that line"):
        metrics_log.read_metrics(tmp_path)
    assert [row for _, row in metrics_log.lines(path)] == [{"step": 1, "d_loss": None}, None, None]
    assert path.read_bytes() == b"".join(lines)
