"""The progress line: its numbers, its width, and both kinds of output."""

import io
import os
import re

import pytest

from gan.training import progress

VALUES = {"images_per_second": 131.7, "d_loss": 0.68123, "g_loss": 0.7, "d_gradient_norm": 3.0}


class Clock:
    """A clock that tests set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def make(stream, total_steps=1000, **settings):
    clock = Clock()
    return clock, progress.Progress(
        total_steps=total_steps, steps_per_epoch=400.0, stream=stream, clock=clock, **settings
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00:00"), (59.6, "0:01:00"), (3599.4, "0:59:59"), (3661, "1:01:01"), (360000, "100:00:00")],
)
def test_duration(seconds, text):
    assert progress.duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.69314, "0.6931"), (-12.5, "-12.5000"), (123456.0, "1.235e+05"), (float("nan"), "nan"), (float("-inf"), "-inf")],
)
def test_number(value, text):
    assert progress.number(value) == text


def test_fields_say_what_is_known():
    assert progress.fields(200, 1000, 400.0, 61.0, VALUES) == [
        "step 200/1000",
        "epoch 0.50/2.50",
        "132 images/s",
        "ETA 0:01:01",
        "d_loss 0.6812",
        "g_loss 0.7000",
    ]
    assert progress.fields(200, None, 400.0, None, {}) == ["step 200", "epoch 0.50", "ETA -:--:--"]


def test_fitted_drops_whole_parts_from_the_end():
    parts = ["step 200/1000", "epoch 0.50", "9.5 images/s"]
    assert progress.fitted(parts, 80) == "step 200/1000  epoch 0.50  9.5 images/s"
    assert progress.fitted(parts, 38) == "step 200/1000  epoch 0.50"
    assert progress.fitted(parts, 39).endswith("images/s")
    assert progress.fitted(parts, 6) == "step 2"


def test_plain_lines_where_nobody_watches_live():
    stream = io.StringIO()
    clock, report = make(stream)
    for clock.now, step in ((10.0, 100), (30.0, 200)):
        report.update(step, VALUES)
    report.note("saved step 200")
    report.close()
    lines = stream.getvalue().split("\n")
    assert not report.live
    assert "\r" not in stream.getvalue()
    assert lines[0].startswith("step 100/1000  epoch 0.25/2.50  132 images/s  ETA -:--:--  d_loss 0.6812")
    assert "ETA 0:02:40" in lines[1]  # 800 steps at 5 a second
    assert lines[2:] == ["saved step 200", ""]


def test_eta_follows_the_last_minute_only():
    stream = io.StringIO()
    clock, report = make(stream, total_steps=10_000)
    for clock.now, step in ((0.0, 0), (100.0, 100), (160.0, 700), (220.0, 1300)):
        report.update(step, {})
    assert "ETA 0:14:30" in stream.getvalue().splitlines()[-1]  # 8700 steps at 10 a second
    clock.now = 230.0
    report.update(10_000, {})
    assert "ETA 0:00:00" in stream.getvalue().splitlines()[-1]


def test_a_time_limit_is_an_eta_of_its_own():
    stream = io.StringIO()
    clock, report = make(stream, total_steps=None, seconds=90.0)
    clock.now = 30.0
    report.update(5, {})
    assert stream.getvalue() == "step 5  epoch 0.01  ETA 0:01:00\n"
    stream = io.StringIO()
    clock, report = make(stream, total_steps=1000, seconds=90.0)
    for clock.now, step in ((10.0, 100), (20.0, 200)):
        report.update(step, {})
    assert "ETA 0:01:10" in stream.getvalue()  # the steps alone would take 0:01:20


def test_eta_is_unknown_while_the_rate_is():
    stream = io.StringIO()
    clock, report = make(stream, seconds=90.0)
    clock.now = 30.0
    report.update(510, {})
    assert "ETA -:--:--" in stream.getvalue()


def test_a_terminal_has_one_line_that_notes_do_not_break(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    clock, report = make(stream)
    report.note("device: CPU")
    for clock.now, step in ((10.0, 100), (10.01, 110), (30.0, 200)):
        report.advance(step)
    report.note("saved step 200")
    clock.now = 30.01
    report.advance(210)
    report.close()
    report.close()
    assert report.live
    screen = rendered(stream.getvalue())
    assert screen[:2] == ["device: CPU", "saved step 200"]
    assert screen[2].startswith("step 210/1000")  # the last report, though it came too soon to be drawn at once
    assert screen[3:] == [""]
    assert "step 110" not in stream.getvalue()


def test_news_stay_while_the_line_moves_on(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    clock, report = make(stream)
    for clock.now, step in ((10.0, 100), (11.0, 110)):
        report.advance(step)
    assert "ETA 0:01:29" in rendered(stream.getvalue())[-1] and "d_loss" not in stream.getvalue()
    clock.now = 11.5
    report.update(110, VALUES)
    assert rendered(stream.getvalue())[-1].startswith("step 110/1000") and "d_loss 0.6812" in stream.getvalue()
    clock.now = 12.0
    report.advance(120)
    assert rendered(stream.getvalue())[-1].startswith(
        "step 120/1000  epoch 0.30/2.50  132 images/s  ETA 0:01:28  d_loss"
    )


def test_plain_lines_are_for_news_alone():
    stream = io.StringIO()
    _, report = make(stream)
    report.advance(100)
    assert stream.getvalue() == ""


def rendered(text: str) -> list[str]:
    """What a terminal shows in the end: a carriage return and the erasure of the line start it anew."""
    return [re.split("\r\x1b\\[K", line)[-1] for line in text.split("\n")]


def test_a_terminal_line_is_narrower_than_the_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    _, report = make(stream)
    monkeypatch.setattr(report, "_width", lambda: 30)
    report.update(100, VALUES)
    assert rendered(stream.getvalue()) == ["step 100/1000"]  # the epochs would end in column 30


def test_a_stream_that_breaks_does_not_stop_the_training():
    stream = io.StringIO()
    _, report = make(stream)
    stream.close()
    report.update(1, VALUES)
    report.advance(2)
    report.note("saved")
    report.close()


def test_however_often_there_are_news_the_line_is_drawn_ten_times_a_second_at_most(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    clock, report = make(stream)
    for i in range(100):
        clock.now = 10.0 + i / 400
        report.update(i, VALUES)
        report.advance(i)
    assert 2 <= stream.getvalue().count("step ") <= 3
    report.close()
    assert rendered(stream.getvalue())[-2].startswith("step 99/1000")


def test_a_pipe_that_nobody_reads_holds_nothing_up(monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE_MILLISECONDS", 1)
    reader, writer = os.pipe()
    with open(writer, "w") as stream:
        shown = progress.Progress(total_steps=1, steps_per_epoch=1, stream=stream)
        for number in range(100):
            shown.note(f"{number} " + "x" * 4000)  # more than any pipe holds unread
        held = os.read(reader, 1 << 20)
        shown.note("read on")
    assert held.startswith(b"0 x") and len(held) < 100 * 4000
    assert os.read(reader, 1 << 20).endswith(b"read on\n")
    os.close(reader)


def test_a_note_is_one_line():
    stream = io.StringIO()
    progress.Progress(total_steps=1, steps_per_epoch=1, stream=stream).note("two\nlines\x1b[31m")
    assert stream.getvalue() == "two\\nlines\\x1b[31m\n"
