"""What a request for samples means: how many images, in which grid, of which classes."""

import pytest

from gan.errors import UserError
from gan.jobs import sample_plan
from gan.jobs.sample_plan import Plan
from gan.jobs.sample_request import Sample

OUT = {"npz": "x.npz", "png": "x.png", "gif": "x.gif", "folder": "images/"}
NAMES = ("T-shirt/top", "Bag", "Ankle boot", "a, b")


def wanted(kind: str, num=None, rows=None, columns=None, steps=None) -> Sample:
    return Sample("run", OUT[kind], num=num, rows=rows, columns=columns, interpolate=steps)


def chosen(text, conditional, names, there=None) -> list[int]:
    return sample_plan.chosen(text, conditional, names, range(len(names)) if there is None else there)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        (None, [0, 1, 2, 3]),
        ("bag", [1]),
        ("ANKLE BOOT, t-shirt/top,3", [2, 0, 3]),
        ("A, B", [3]),
        ("1,1", [1, 1]),
    ],
)
def test_classes_by_name_or_number(text, numbers):
    assert chosen(text, True, NAMES) == numbers


def test_a_name_comes_before_a_number():
    assert chosen("2,0", True, ("2", "1", "0")) == [0, 2]
    assert chosen("bag,BAG", True, ("Bag", "bag", "BAG")) == [1, 2]


@pytest.mark.parametrize(
    ("text", "names", "numbers"),
    [
        (" lead", (" lead", "lead"), [0]),
        ("lead", (" lead", "lead"), [1]),
        ("lead", (" lead",), [0]),
        ("tail , lead", ("tail ", " lead"), [0, 1]),
        ("a,b,c", ("a", "c", "a,b"), [2, 1]),
        ("x,y", ("X,Y", "x", "y"), [1, 2]),  # as they stand, before another spelling of both
        ("x,Y", ("X,Y", "z"), [0]),
        ('"a,b",c', ("a", "c", "a,b"), [2, 1]),
        ("'1'", ("0", "2", "1"), [2]),
        ('"quoted"', ('"quoted"', "quoted"), [0]),
        (",", (",", "a"), [0]),
        ("10,2", ("1", "10", "2"), [1, 2]),
    ],
)
def test_names_with_spaces_commas_and_quotes(text, names, numbers):
    assert chosen(text, True, names) == numbers


def test_what_could_be_a_name_or_a_number_is_told():
    names = ("1", "10", "2")
    assert sample_plan.readings("0", names) == ["--class=0 is number 0, the class named 1"]
    assert sample_plan.readings("1,10", names) == [
        "--class=1 is the class named 1, number 0; number 1 is the class named 10",
        "--class=10 is the class named 10, number 1",
    ]
    for text, of in ((None, names), ("1", ("0", "1")), ("1", ("bag", "boot")), ("bag", ("bag", "1"))):
        assert sample_plan.readings(text, of) == []


def test_classes_without_an_image_are_neither_drawn_nor_taken():
    digits = tuple("0123456789")
    assert chosen(None, True, digits, (0, 5, 9)) == [0, 5, 9]
    assert chosen("9,5", True, digits, (0, 5, 9)) == [9, 5]
    with pytest.raises(UserError, match="--class=3: the run's data have no image of this class; .* are 0, 5, 9$"):
        chosen("5,3", True, digits, (0, 5, 9))


def test_unknown_classes_are_told_the_known_ones():
    with pytest.raises(UserError, match="--class=boot is unknown; the classes are 0 T-shirt/top, 1 Bag, 2 Ankle boot"):
        chosen("bag,boot", True, NAMES)
    with pytest.raises(UserError, match=r"--class=100 .* 28, 29 \.\.\. \(100 in all\)"):
        chosen("100", True, [str(i) for i in range(100)])
    with pytest.raises(UserError, match="--class= is unknown"):
        chosen("", True, NAMES)
    with pytest.raises(UserError, match="--class=bag: the run was trained without --conditional"):
        chosen("bag", False, NAMES)
    assert chosen(None, False, NAMES) == []


@pytest.mark.parametrize(
    ("flags", "plan"),  # kind, classes, num, rows, columns, steps
    [
        (("npz", 0, None, None, None, None), Plan(64)),
        (("folder", 10, 7, None, None, None), Plan(7)),
        (("png", 0, None, None, None, None), Plan(64, 8, 8)),
        (("png", 0, 5, None, 2, None), Plan(5, 3, 2)),
        (("png", 10, None, None, None, None), Plan(80, 10, 8)),
        (("png", 10, None, None, 3, None), Plan(30, 10, 3)),
        (("png", 10, None, 2, 3, None), Plan(6, 2, 3)),
        (("png", 10, None, 9, None, None), Plan(72, 9, 8)),
        (("png", 20, None, 20, None, None), Plan(80, 20, 4)),
        (("png", 10, 28, None, None, None), Plan(28, 10, 3)),
        (("png", 10, 25, None, 5, None), Plan(25, 5, 5)),
        (("png", 1, None, None, None, None), Plan(64, 8, 8)),
        (("png", 100, None, None, None, None), Plan(64, 8, 8)),
        (("png", 0, None, None, None, 10), Plan(80, 8, 10)),
        (("png", 10, None, None, None, 4), Plan(40, 10, 4)),
        (("npz", 0, None, 3, None, 100), Plan(300, 3, 100)),
        (("gif", 0, None, None, None, 16), Plan(16, 4, 4)),
        (("gif", 10, None, None, None, 16), Plan(40, 10, 4)),
        (("gif", 1, None, 2, 3, 16), Plan(6, 2, 3)),
    ],
)
def test_what_is_drawn(flags, plan):
    kind, class_count, *grid = flags
    assert sample_plan.plan(wanted(kind, *grid), class_count) == plan
    sample_plan.check_shown(plan, class_count, named=False)


def test_all_classes_that_are_named_are_drawn():
    sample_plan.check_shown(Plan(6, 2, 3), 2, named=True)
    sample_plan.check_shown(Plan(64), 64, named=True)
    sample_plan.check_shown(Plan(4, 2, 3), 2, named=True)
    with pytest.raises(
        UserError, match="3 classes, each of which needs a row, and there would be 2; give --rows=3, or"
    ):
        sample_plan.check_shown(Plan(6, 2, 3), 3, named=True)
    with pytest.raises(UserError, match="names 3 classes, which is more than 2 images; name fewer"):
        sample_plan.check_shown(Plan(2), 3, named=True)
    for num, rows in ((12, None), (25, None), (8, 7)):  # of 10 classes
        plan = sample_plan.plan(wanted("png", num, rows), 10)
        with pytest.raises(UserError, match=rf"{num} images do not fill {plan.rows} rows of {plan.columns}, .* --num="):
            sample_plan.check_shown(plan, 10, named=False)
    plan = sample_plan.plan(wanted("png", 4), 3)
    with pytest.raises(UserError, match="4 images do not fill 3 rows of 2, each of which shows a class; give --num=6"):
        sample_plan.check_shown(plan, 3, named=True)


@pytest.mark.parametrize(
    ("flags", "words"),  # kind, num, rows, columns, steps
    [
        (("gif", None, None, None, None), "give --interpolate=STEPS, such as 16"),
        (("npz", None, 3, None, None), "--rows and --columns belong to a grid"),
        (("png", 0, None, None, None), "--num=0 must be from 1 to"),
        (("png", None, 65, None, None), "--rows=65 must be from 1 to 64"),
        (("png", None, None, None, 65), "--interpolate=65 must be from 2 to 64 in a grid"),
        (("gif", None, None, None, 1), "--interpolate=1 must be from 2 to 1000$"),
        (("gif", 8, None, None, 8), "--num does not go with --interpolate"),
        (("npz", None, None, 8, 8), "--columns does not go with --interpolate but in an animation"),
    ],
)
def test_what_cannot_be_asked_for(flags, words):
    with pytest.raises(UserError, match=words):
        wanted(*flags)
