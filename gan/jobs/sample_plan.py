"""How many images a request for samples means, in which grid, and of which classes."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from gan.data import classes
from gan.errors import UserError
from gan.jobs.asked import LARGEST_SIDE
from gan.jobs.sample_request import Sample

DEFAULT_NUM = 64
_DEFAULT_COLUMNS = 8  # where each row is a class
_WALKS = 8  # rows of walks
_LOOP_SIDE = 4  # cells of an animation
_LISTED = 30  # classes that a message names


class Plan(NamedTuple):
    """`num` images; `rows` and `columns` of a grid or an animation, rows of walks (0 where there are none)."""

    num: int
    rows: int = 0
    columns: int = 0


def chosen(text: str | None, conditional: bool, names: Sequence[str], there: Sequence[int]) -> list[int]:
    """The numbers of the classes that are named, by name or number, with commas; of all if `text` is None.

    `there` are those that the data have images of: no others were learnt. None of a run that is not conditional. Raises
    `UserError` listing the classes for one that is not there.
    """
    if text is None:
        return list(there) if conditional else []
    if not conditional:
        raise UserError(f"--class={text}: the run was trained without --conditional and knows no classes; leave it out")
    return [_learnt(word, number, names, there) for word, number in classes.in_list(text, names)]


def readings(text: str | None, names: Sequence[str]) -> list[str]:
    """A line for each word that could be the name of one class and the number of another: which it was taken for."""
    found = classes.in_list(text, names) if text is not None else ()
    return list(filter(None, (_reading(word, number, names) for word, number in found)))


def _reading(word: str, number: int | None, names: Sequence[str]) -> str:
    """The line for a word that means class `number`; empty where it can mean nothing else."""
    other = classes.as_number(word)
    if number is None or other is None or not any(name.strip().isdecimal() for name in names):
        return ""
    if other == number:
        return (
            "" if names[number].strip() == word else f"--class={word} is number {word}, the class named {names[number]}"
        )
    also = f"; number {word} is the class named {names[other]}" if other < len(names) else ""
    return f"--class={word} is the class named {names[number]}, number {number}{also}"


def _learnt(word: str, number: int | None, names: Sequence[str], there: Sequence[int]) -> int:
    """The number that a word means; raises `UserError` if it means none, or a class without images."""
    if number in there:
        return number
    listed = ", ".join(f"{i} {names[i]}" if names[i] != str(i) else names[i] for i in there[:_LISTED])
    more = f" ... ({len(there)} in all)" if len(there) > _LISTED else ""
    if number is None:
        raise UserError(f"--class={word} is unknown; the classes are {listed}{more}")
    raise UserError(
        f"--class={word}: the run's data have no image of this class; those that have some are {listed}{more}"
    )


def plan(request: Sample, class_count: int) -> Plan:
    """What is drawn in so many classes (0: without); raises `UserError` if it does not fit."""
    num, rows, columns, steps = request.num, request.rows, request.columns, request.interpolate
    by_class = min(class_count, _WALKS) if class_count > LARGEST_SIDE else class_count
    if steps is not None and request.is_animation:
        rows, columns = rows or (by_class if class_count > 1 else _LOOP_SIDE), columns or _LOOP_SIDE
        return Plan(rows * columns, rows, columns)
    if steps is not None:
        rows = rows or (by_class if class_count > 1 else _WALKS)
        return Plan(rows * steps, rows, steps)
    if request.kind != "png":
        return Plan(num or DEFAULT_NUM)
    if class_count > 1 and rows is None and not (num and columns):
        rows, columns = by_class, columns or (None if num else _DEFAULT_COLUMNS)
    if class_count > 1 and num is None and rows:  # they are filled
        columns = columns or math.ceil(DEFAULT_NUM / rows)
    return _layout(num, rows, columns)


def check_shown(planned: Plan, class_count: int, named: bool) -> None:
    """Raises `UserError` if a class would have none of its images: one that was `named`, or that has a row."""
    if named and planned.num < class_count:
        raise UserError(f"--class names {class_count} classes, which is more than {planned.num} images; name fewer")
    if named and planned.rows and planned.rows < class_count:
        remedy = f"give --rows={class_count}, or name fewer" if class_count <= LARGEST_SIDE else "name fewer"
        raise UserError(
            f"--class names {class_count} classes, each of which needs a row, and there would be {planned.rows}; "
            f"{remedy}"
        )
    if class_count > 1 and planned.rows and math.ceil(planned.num / planned.columns) < min(planned.rows, class_count):
        raise UserError(
            f"{planned.num} images do not fill {planned.rows} rows of {planned.columns}, each of which shows a class; "
            f"give --num={planned.rows * planned.columns}, or leave it out"
        )


def _layout(num: int | None, rows: int | None, columns: int | None) -> Plan:
    """A grid where any of these may be left open; raises `UserError` if they do not fit."""
    if num is None:
        num = rows * columns if rows and columns else DEFAULT_NUM
    if columns is None:
        columns = math.ceil(num / rows) if rows else math.isqrt(num - 1) + 1
    rows = rows or math.ceil(num / columns)
    if num > rows * columns or max(rows, columns) > LARGEST_SIDE:
        limit = f"{LARGEST_SIDE} x {LARGEST_SIDE}" if max(rows, columns) > LARGEST_SIDE else f"{rows} x {columns}"
        raise UserError(f"{num} images do not fit into a grid of {limit}; use fewer, or --out=x.npz or a folder")
    return Plan(num, rows, columns)
