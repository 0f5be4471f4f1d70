"""What bin/train refuses of its own flags before it imports TensorFlow."""

import pytest


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (("--workers=65",), "--workers=65 must be from 0 to 64"),
        (("--workers=2", "--restarts=-1"), "--restarts=-1 must be from 0 to 1,000,000"),
        (("--start_minutes=0",), "--start_minutes=0.0 must be above 0, and at most 100,000"),
        (("--peer_seconds=-1",), "--peer_seconds=-1.0 must be above 0, and at most 100,000"),
        (("--workers=2", "--strategy=mirrored"), "--workers=2 contradicts --strategy=mirrored; leave one of them out"),
    ],
)
def test_flags_of_several_workers_are_checked(run_command, flags, line):
    done = run_command("train", *flags)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"error: {line}\n")
