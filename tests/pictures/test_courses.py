"""Courses of a metric: the scale, and a figure that comes out."""

import pytest
from PIL import Image

from gan.errors import StorageError
from gan.pictures import courses
from gan.pictures.courses import Course


@pytest.mark.parametrize(
    ("values", "line", "logarithmic"),
    [
        ([80.0, 3.0, 1.5], 2.0, True),
        ([15.0, 3.0], 2.0, False),
        ([80.0, 3.0, None, float("nan")], 2.0, True),
        ([80.0, -0.1], 2.0, False),
        ([80.0, 3.0], -0.1, False),
        ([], 2.0, False),
    ],
)
def test_values_far_apart_are_on_a_logarithmic_scale(values, line, logarithmic):
    assert courses.is_logarithmic(values, line) is logarithmic


def test_the_picture_is_a_png(tmp_path):
    drawn = [
        Course("preset=$modern_", [(1.0, 80.0), (2.0, None), (3.0, 1.5)]),
        Course("preset=$modern_", [(1.1, 70.0), (2.2, 4.0)]),
        Course("preset=dcgan", []),
    ]
    courses.write_courses(tmp_path / "folder" / "curve.png", drawn, "frechet_distance", 2.0, "time to $2")
    with Image.open(tmp_path / "folder" / "curve.png") as image:
        assert image.format == "PNG" and image.width > 800


def test_a_picture_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        courses.write_courses(tmp_path / "file" / "curve.png", [], "recall", 0.5)
