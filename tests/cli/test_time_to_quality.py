"""The mistakes of bin/bench --to; what it does is tested as a job."""

import pytest


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--to=fid:2",), "--to=fid:2: fid is no metric that is measured here; name one of frechet_distance"),
        (("--to=recall:0.5", "--limit"), "--limit does not go with --to; leave it out"),
        (("--to=recall:0.5", "--rounds=3"), "--rounds does not go with --to; leave it out"),
        (("--seeds=3",), "--seeds is for --to; leave it out"),
        (("--workdir=runs/a",), "--workdir is for --to; leave it out"),
        (("--trial=runs/a",), "--trial is for --to; leave it out"),
        (("--to=recall:0.5", "--against=keras"), "--against=keras: 'keras' is not a setting=value that trainings"),
        (("--to=recall:0.5", "--steps=100"), "--steps does not go with --to; the line ends a training, or --minutes"),
        (("--to=recall:0.5", "--sample_every_steps=5"), "--sample_every_steps does not go with --to; they draw none"),
        (("--to=recall:0.5", "--trial=a", "--minutes=nan"), "--minutes=nan must be a finite number of at least 0"),
        (("--to=recall:0.5", "--trial=a", "--batch_size=8"), "--batch_size does not go with --trial, whose folder"),
        (("--to=recall:0.5", "--trial=a", "--out=a.json"), "--out does not go with --trial, whose folder"),
        (("--to=recall:0.5", "--minutes=-1"), "--minutes=-1.0 must be a finite number of at least 0"),
    ],
)
def test_a_mistake_is_one_line(run_command, flags, words):
    done = run_command("bench", *flags)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2 and line.startswith("error: ") and words in line
