"""What the rivals' programs share: what they train on and by."""

import numpy as np
import pytest

from gan.bench.programs import examples, serving


def test_images_and_labels_are_repeated_to_fill_a_batch(tmp_path):
    np.save(
        tmp_path / "images.npy", np.arange(3, dtype=np.uint8)[:, None, None, None] + np.zeros((16, 24, 3), np.uint8)
    )
    np.save(tmp_path / "labels.npy", np.array([4, 5, 6], np.int32))
    images = examples.images(tmp_path / "images.npy", 7)
    assert images.shape[1:] == (16, 24, 3) and images[:, 0, 0, 0].tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 2]
    labels = examples.labels(tmp_path / "labels.npy", len(images), 10)
    assert labels.tolist() == [4, 5, 6] * 3 and labels.dtype == np.int64


def test_without_files_there_are_noise_and_the_classes_in_turn():
    assert examples.images(None, 4).shape == (1024, *examples.NOISE_SHAPE)
    assert len(examples.images(None, 2000)) == 2000
    assert examples.labels(None, 5, 3).tolist() == [0, 1, 2, 0, 1]
    assert examples.labels(None, 3, 0).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], ("sngan", 64, 1.0)),
        (["--batch_size=7"], ("sngan", 7, 1.0)),
        (['--settings={"preset": "dcgan", "width": 0.5}'], ("dcgan", 64, 0.5)),
        (['--settings={"preset": "dcgan", "batch_size": 3}', "--batch_size=7"], ("dcgan", 7, 1.0)),
    ],
)
def test_a_program_trains_by_its_preset_or_by_the_settings_that_it_is_given(words, found):
    config = serving.config(serving.arguments("", "sngan").parse_args(words))
    assert (config.preset, config.batch_size, config.width) == found
