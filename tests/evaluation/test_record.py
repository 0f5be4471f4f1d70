"""The evaluations of a run: kept, replaced, shown in TensorBoard, and never in disagreement with it."""

import json

import pytest
from tensorboard.backend.event_processing import event_accumulator, plugin_event_accumulator

from gan.errors import UserError
from gan.evaluation import record

NAMED = {"protocol": "lucic", "num": 10, "features": "random", "extractor": "e", "data": "d", "k": 5, "seed": 0}


def row(step: int, value: float, generator: str = "g", **changed) -> dict:
    named = {"step": step, "generator": generator, **NAMED, **changed}
    return named | {"metrics": {"frechet_distance": value}, "floor": {"frechet_distance": 0.5}}


def shown(workdir) -> dict[str, list[tuple[int, float]]]:
    """(step, value) by tag, as TensorBoard reads them."""
    reader = plugin_event_accumulator.EventAccumulator(
        str(workdir / record.FOLDER), size_guidance={event_accumulator.TENSORS: 0}
    )
    reader.Reload()
    return {
        tag: [(event.step, event.tensor_proto.float_val[0]) for event in reader.Tensors(tag)]
        for tag in reader.Tags()["tensors"]
    }


def test_kept_in_the_order_of_the_steps_and_shown(tmp_path):
    assert record.read(tmp_path) == []
    for step in (20, 10, 30):
        record.record(tmp_path, row(step, step / 4))
    assert record.read(tmp_path) == [row(10, 2.5), row(20, 5.0), row(30, 7.5)]
    assert shown(tmp_path) == {
        "lucic-10-random/frechet_distance": [(10, 2.5), (20, 5.0), (30, 7.5)],
        "lucic-10-random-floor/frechet_distance": [(10, 0.5), (20, 0.5), (30, 0.5)],
    }
    assert len(list((tmp_path / record.FOLDER).iterdir())) == 1


def test_one_of_the_same_kind_is_replaced_and_others_stay(tmp_path):
    record.record(tmp_path, row(10, 1.0))
    record.record(tmp_path, row(10, 2.0, k=3))
    record.record(tmp_path, row(10, 3.0, generator="trained again"))
    assert [each["metrics"]["frechet_distance"] for each in record.read(tmp_path)] == [2.0, 3.0]
    assert shown(tmp_path)["lucic-10-random/frechet_distance"] == [(10, 3.0)]
    assert shown(tmp_path)["lucic-10-random-k3/frechet_distance"] == [(10, 2.0)]
    mine = row(10, 4.0, seed=1, features="mine.keras", extractor="0123456789")
    record.record(tmp_path, mine)
    assert shown(tmp_path)["lucic-10-mine.keras-seed1-012345/frechet_distance"] == [(10, 4.0)]
    record.record(tmp_path, mine | {"extractor": "other one"})
    assert shown(tmp_path)["lucic-10-mine.keras-seed1-012345/frechet_distance"] == [(10, 4.0)]
    assert shown(tmp_path)["lucic-10-mine.keras-seed1-other /frechet_distance"] == [(10, 4.0)]
    keys = {record.key(each) for each in record.read(tmp_path)}
    assert record.key(row(10, 9.0, generator="trained again")) in keys
    assert record.key(row(10, 9.0)) not in keys


def test_figures_that_cannot_be_compared_make_curves_of_their_own(tmp_path):
    one, two = row(10, 1.0, extractor="one's own"), row(20, 2.0, extractor="two's own", data="others")
    record.record(tmp_path, one)
    assert shown(tmp_path)["lucic-10-random/frechet_distance"] == [(10, 1.0)]
    record.record(tmp_path, two)
    assert shown(tmp_path)["lucic-10-random-one's -d/frechet_distance"] == [(10, 1.0)]
    assert shown(tmp_path)["lucic-10-random-two's -others-floor/frechet_distance"] == [(20, 0.5)]
    assert "lucic-10-random/frechet_distance" not in shown(tmp_path)


def test_those_beyond_a_step_are_removed_and_eval_is_made_anew(tmp_path):
    record.remove_later(tmp_path, 0)
    assert not list(tmp_path.iterdir())
    for step in (10, 20, 30):
        record.record(tmp_path, row(step, 1.0))
    for events in (tmp_path / record.FOLDER).iterdir():  # as if killed before they were written
        events.unlink()
    record.remove_later(tmp_path, 20)
    assert record.read(tmp_path) == [row(10, 1.0), row(20, 1.0)]
    assert shown(tmp_path)["lucic-10-random/frechet_distance"] == [(10, 1.0), (20, 1.0)]


def test_what_was_not_measured_again_of_the_same_generator_is_kept(tmp_path):
    full, less, other = row(10, 1.0), row(10, 2.0), row(10, 3.0, generator="trained again")
    full["metrics"]["classification_accuracy_score"] = full["floor"]["classification_accuracy_score"] = 0.8
    for each in (full, less):
        record.record(tmp_path, each)
    (kept,) = record.read(tmp_path)
    assert kept["metrics"] == {"frechet_distance": 2.0, "classification_accuracy_score": 0.8}
    assert kept["floor"] == full["floor"]
    record.record(tmp_path, other)
    assert record.read(tmp_path) == [other]


def test_numbers_that_are_not_finite_are_null_and_not_shown(tmp_path):
    record.record(tmp_path, row(10, float("nan")))
    (kept,) = map(json.loads, (tmp_path / record.FILE_NAME).read_text().splitlines())
    assert kept["metrics"] == {"frechet_distance": None}
    assert list(shown(tmp_path)) == ["lucic-10-random-floor/frechet_distance"]


@pytest.mark.parametrize("broken", ["{", {"step": 3}, row(3, 1.0) | {"metrics": None}], ids=["json", "key", "metrics"])
def test_damage_is_named_and_nothing_is_lost(tmp_path, broken):
    record.record(tmp_path, row(10, 1.0))
    path = tmp_path / record.FILE_NAME
    line = broken if isinstance(broken, str) else json.dumps(broken)
    path.write_text(f"{path.read_text()}{line}\n")
    before = path.read_bytes()
    for call in (lambda: record.read(tmp_path), lambda: record.record(tmp_path, row(20, 1.0))):
        with pytest.raises(UserError, match="evaluations.jsonl is damaged in line 2; remove that line"):
            call()
    assert path.read_bytes() == before
