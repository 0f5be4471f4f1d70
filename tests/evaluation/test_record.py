"""The evaluations of a run: kept, replaced, shown in TensorBoard, and never in disagreement with it."""

import errno
import hashlib
import json

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator, plugin_event_accumulator

from gan.errors import StorageError, UserError
from gan.evaluation import record
from gan.evaluation.record import Evaluation, Key
from tests.refusing import Refusing

NAMED = {"protocol": "lucic", "num": 10, "features": "random", "extractor": "e", "data": "d", "k": 5, "seed": 0}
MEANING = {"features": "a fixed random network", "sizes": "10 against 10", "floor": "10 real ones"}


def evaluation(step: int, value: float | None, generator: str = "g", **changed) -> Evaluation:
    figures = {"metrics": {"frechet_distance": value}, "floor": {"frechet_distance": 0.5}}
    key = Key(**{"step": step, "generator": generator, **NAMED, **changed})
    return Evaluation(key, **figures, real_samples=10, floor_samples=9, meaning=MEANING, time="2026-01-01T00:00:00")


# As the files hold them that are there: the key, where they are of a path, figures, what they mean, and who asked.
ROW = {
    "step": 12,
    "protocol": "lucic",
    "num": 10000,
    "features": "classifier",
    "extractor": "0123456789abcdef",
    "data": "fedcba9876543210",
    "k": 5,
    "seed": 0,
    "generator": "aaaabbbbccccdddd",
    "metrics": {"frechet_distance": 3.25, "class_share/Bag": 0.125, "label_agreement": 1.0},
    "floor": {"frechet_distance": 0.1, "class_share/Bag": 0.1, "label_agreement": 0.925},
    "real_samples": 10000,
    "floor_samples": 10000,
    "meaning": {"features": "classifier features", "sizes": "lucic: 10,000 generated", "floor": "10,000 real"},
    "time": "2026-11-22T21:17:26+00:00",
}
KEY_NAMES = 9


def placed(after: int, name: str, value) -> dict:
    """`ROW` with another name after so many of its own."""
    items = list(ROW.items())
    return dict([*items[:after], (name, value), *items[after:]])


ROWS = {
    "plain": ROW,
    "of images in files": placed(KEY_NAMES, "images", "made/them.npz"),
    "with a score": ROW | {"score_samples": 60000},
    "in training": ROW | {"in_training": True},
    "not finite": ROW | {"metrics": {"frechet_distance": None, "recall": 0.0}, "floor": {"frechet_distance": None}},
    "all": placed(KEY_NAMES, "images", "x") | {"in_training": True, "score_samples": 1},
    "of another version": ROW | {"in_training": True, "hours": 1.5, "notes": {"by": ["somebody"]}},
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_row_and_its_evaluation_make_each_other(tmp_path, row):
    made = record.from_json(row)
    assert record.to_json(made) == row and list(record.to_json(made)) == list(row)
    assert record.from_json(record.to_json(made)) == made
    path = tmp_path / record.FILE_NAME
    path.write_text(json.dumps(row) + "\n")
    record.add(tmp_path, evaluation(99, 1.0))
    assert path.read_text().splitlines()[0] == json.dumps(row)  # kept whole, to the byte
    assert record.read(tmp_path)[0] == made


def test_an_evaluation_has_what_its_row_says():
    made = record.from_json(ROWS["all"] | {"hours": 1.5})
    assert made.key == Key(
        12, "lucic", 10000, "classifier", "0123456789abcdef", "fedcba9876543210", 5, 0, "aaaabbbbccccdddd"
    )
    assert (made.metrics, made.floor, made.meaning) == (ROW["metrics"], ROW["floor"], ROW["meaning"])
    assert (made.real_samples, made.floor_samples, made.time) == (10000, 10000, ROW["time"])
    assert (made.images, made.score_samples, made.in_training, made.further) == ("x", 1, True, {"hours": 1.5})
    plain = record.from_json(ROW)
    assert (plain.images, plain.score_samples, plain.in_training, plain.further) == ("", 0, False, {})


@pytest.mark.parametrize("name", ROW)
def test_a_row_without_one_of_its_names_or_with_nothing_there_is_damaged(name):
    with pytest.raises(KeyError, match=name):
        record.from_json({other: value for other, value in ROW.items() if other != name})
    with pytest.raises(TypeError):
        record.from_json(ROW | {name: None})


@pytest.mark.parametrize(
    "changed",
    [{"step": "12"}, {"data": 7}, {"metrics": {"recall": "high"}}, {"floor": [1.0]}, {"in_training": "yes"}],
    ids=lambda changed: next(iter(changed)),
)
def test_a_row_with_another_kind_of_value_is_damaged(changed):
    with pytest.raises(TypeError):
        record.from_json(ROW | changed)


def test_a_key_holds_the_first_digits_of_identities():
    named = NAMED | {"extractor": "e" * 64, "data": "d" * 64}
    key = record.key(step=3, generator="1" * 64, **named)
    assert key == Key(**named | {"step": 3, "extractor": "e" * 16, "data": "d" * 16, "generator": "1" * 16})
    assert record.key(step=3, generator="short", **NAMED).generator == "short"


def test_a_generator_is_known_by_its_parameters():
    params = {"kernel": tf.ones([2, 2]), "bias": [tf.zeros([2])]}
    digest = hashlib.sha256(np.zeros(2, np.float32).tobytes() + np.ones(4, np.float32).tobytes())
    assert record.generator_identity(params) == digest.hexdigest()
    assert record.generator_identity(params | {"bias": [tf.ones([2])]}) != digest.hexdigest()


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
        record.add(tmp_path, evaluation(step, step / 4))
    assert record.read(tmp_path) == [evaluation(10, 2.5), evaluation(20, 5.0), evaluation(30, 7.5)]
    assert shown(tmp_path) == {
        "lucic-10-random/frechet_distance": [(10, 2.5), (20, 5.0), (30, 7.5)],
        "lucic-10-random-floor/frechet_distance": [(10, 0.5), (20, 0.5), (30, 0.5)],
    }
    assert len(list((tmp_path / record.FOLDER).iterdir())) == 1


def test_one_of_the_same_kind_is_replaced_and_others_stay(tmp_path):
    record.add(tmp_path, evaluation(10, 1.0))
    record.add(tmp_path, evaluation(10, 2.0, k=3))
    record.add(tmp_path, evaluation(10, 3.0, generator="trained again"))
    assert [each.metrics["frechet_distance"] for each in record.read(tmp_path)] == [2.0, 3.0]
    assert shown(tmp_path)["lucic-10-random/frechet_distance"] == [(10, 3.0)]
    assert shown(tmp_path)["lucic-10-random-k3/frechet_distance"] == [(10, 2.0)]
    mine = evaluation(10, 4.0, seed=1, features="mine.keras", extractor="0123456789")
    record.add(tmp_path, mine)
    assert shown(tmp_path)["lucic-10-mine.keras-seed1-012345/frechet_distance"] == [(10, 4.0)]
    record.add(tmp_path, mine._replace(key=mine.key._replace(extractor="other one")))
    assert shown(tmp_path)["lucic-10-mine.keras-seed1-012345/frechet_distance"] == [(10, 4.0)]
    assert shown(tmp_path)["lucic-10-mine.keras-seed1-other /frechet_distance"] == [(10, 4.0)]
    keys = {each.key for each in record.read(tmp_path)}
    assert evaluation(10, 9.0, generator="trained again").key in keys
    assert evaluation(10, 9.0).key not in keys


def test_figures_that_cannot_be_compared_make_curves_of_their_own(tmp_path):
    one, two = evaluation(10, 1.0, extractor="one's own"), evaluation(20, 2.0, extractor="two's own", data="others")
    record.add(tmp_path, one)
    assert shown(tmp_path)["lucic-10-random/frechet_distance"] == [(10, 1.0)]
    record.add(tmp_path, two)
    assert shown(tmp_path)["lucic-10-random-one's -d/frechet_distance"] == [(10, 1.0)]
    assert shown(tmp_path)["lucic-10-random-two's -others-floor/frechet_distance"] == [(20, 0.5)]
    assert "lucic-10-random/frechet_distance" not in shown(tmp_path)


def test_those_beyond_a_step_are_removed_and_eval_is_made_anew(tmp_path):
    record.remove_later(tmp_path, 0)
    assert not list(tmp_path.iterdir())
    for step in (10, 20, 30):
        record.add(tmp_path, evaluation(step, 1.0))
    for events in (tmp_path / record.FOLDER).iterdir():  # as if killed before they were written
        events.unlink()
    record.remove_later(tmp_path, 20)
    assert record.read(tmp_path) == [evaluation(10, 1.0), evaluation(20, 1.0)]
    assert shown(tmp_path)["lucic-10-random/frechet_distance"] == [(10, 1.0), (20, 1.0)]


def test_what_was_not_measured_again_of_the_same_generator_is_kept(tmp_path):
    less, other = evaluation(10, 2.0), evaluation(10, 3.0, generator="trained again")
    score = {"classification_accuracy_score": 0.8}
    full = less._replace(metrics={"frechet_distance": 1.0} | score, floor=less.floor | score, score_samples=60)
    full = full._replace(in_training=True, images="some.npz", further={"hours": 1.5}, time="before")
    for each in (full, less):
        record.add(tmp_path, each)
    (kept,) = record.read(tmp_path)
    assert kept.metrics == {"frechet_distance": 2.0, "classification_accuracy_score": 0.8}
    assert kept == full._replace(metrics=kept.metrics, time=less.time)
    record.add(tmp_path, less._replace(in_training=True, score_samples=70))
    assert record.read(tmp_path) == [kept._replace(score_samples=70)]
    record.add(tmp_path, other)
    assert record.read(tmp_path) == [other]


def test_numbers_that_are_not_finite_are_null_and_not_shown(tmp_path):
    for value in (float("nan"), float("inf"), -float("inf")):
        assert record.finite({"one": value, "two": 2.0, "none": None}) == {"one": None, "two": 2.0, "none": None}
        made = record.from_json(ROW | {"metrics": {"frechet_distance": value}})
        record.add(tmp_path, made)
        (kept,) = map(json.loads, (tmp_path / record.FILE_NAME).read_text().splitlines())
        assert kept["metrics"] == {"frechet_distance": None} and record.read(tmp_path) == [made]
        assert all("-floor/" in tag for tag in shown(tmp_path)) and len(shown(tmp_path)) == len(ROW["floor"])


@pytest.mark.parametrize(
    "broken", ["{", {"step": 3}, ROW | {"metrics": None}, "[]", "3"], ids=["json", "key", "metrics", "list", "number"]
)
def test_damage_is_named_and_nothing_is_lost(tmp_path, broken):
    record.add(tmp_path, evaluation(10, 1.0))
    path = tmp_path / record.FILE_NAME
    line = broken if isinstance(broken, str) else json.dumps(broken)
    path.write_text(f"{path.read_text()}{line}\n")
    before = path.read_bytes()
    for call in (lambda: record.read(tmp_path), lambda: record.add(tmp_path, evaluation(20, 1.0))):
        with pytest.raises(UserError, match="evaluations.jsonl is damaged in line 2; remove that line"):
            call()
    assert path.read_bytes() == before


def test_what_the_storage_refused_can_be_added_again_and_is_there_once(tmp_path):
    wanted = [evaluation(step, 2.0 + step) for step in (1, 2)]
    for name in ("one", "other"):
        (tmp_path / name / record.FOLDER).mkdir(parents=True)
    refused = 0
    for each in wanted:
        record.add(tmp_path / "one", each)
        with pytest.MonkeyPatch.context() as patch:
            Refusing(patch, errno.ENOSPC)
            while each.key.step not in [kept.key.step for kept in shown_in(tmp_path / "other")]:
                try:
                    record.add(tmp_path / "other", each)
                except StorageError:
                    refused += 1
    assert refused > 3
    name = record.FILE_NAME
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def shown_in(workdir) -> list[Evaluation]:
    """The evaluations of a run that are in TensorBoard as well."""
    events = plugin_event_accumulator.EventAccumulator(str(workdir / record.FOLDER), size_guidance={"tensors": 0})
    events.Reload()
    steps = {event.step for tag in events.Tags()["tensors"] for event in events.Tensors(tag)}
    return [each for each in record.read(workdir) if each.key.step in steps]
