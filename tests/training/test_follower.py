"""A worker that follows: what it does at each meeting, with a chief that is a list of wishes."""

import numpy as np
import pytest

from gan import config
from gan.errors import Preempted, UserError
from gan.training import follower
from gan.training.team import ToldError, Wish, steps

GO, WAIT, OVER = Wish(steps=2), Wish(wait=True, steps=2), Wish(over=True, steps=2)
DONE, STOPPED, FULL = Wish(code=0), Wish(code=143), Wish(code=74)


class Team:
    """Meets with what the chief says in turn; notes what this worker wished."""

    def __init__(self, *said: Wish):
        self.said, self.wishes, self.spreads = list(said), [], 0

    def meet(self, wish: Wish) -> tuple[Wish, Wish]:
        self.wishes.append(wish)
        return self.said.pop(0), wish

    def spread(self, training) -> None:
        self.spreads += 1
        training.step = 4  # of the chief's checkpoint

    def name(self, number: int) -> str:
        return f"worker {number}"


class Run:
    """Its chunks count steps, from step 0 on; its images are gone at the steps `lost`."""

    config = config.make("article")

    def __init__(self, *said: Wish, lost: tuple[int, ...] = (), late: int = 0):
        self.team, self.training, self.batches, self.feed = Team(*said), self, self, self
        self.step, self.chunks, self.lost, self.late, self.is_closed = 0, [], lost, late, False

    def is_ready(self, step: int, count: int, seconds: float) -> bool:
        self.late -= 1
        return self.late < 0

    def nothing(self) -> tuple[np.ndarray, ...]:
        return (np.zeros([0]),)

    def read(self, step: int, count: int) -> tuple[np.ndarray, ...]:
        if step in self.lost:
            raise UserError("no such file")
        return (np.zeros([count]),)

    def chunk(self, step: int, images: np.ndarray, rollbacks: int = 0) -> None:
        if len(images):
            self.chunks.append((step, len(images), rollbacks))
            self.step = step + len(images)

    def close(self) -> None:
        self.is_closed = True


def test_a_meeting_agrees_on_steps_if_nobody_wants_anything_else():
    assert steps((GO, Wish())) == 2
    assert steps((OVER, Wish())) == steps((WAIT, Wish())) == steps((GO, Wish(stop=True))) == 0
    assert steps((GO, Wish(wait=True))) == steps((GO, Wish(failed=True))) == 0


def test_it_takes_the_steps_that_the_chief_says_until_it_leaves():
    run = Run(GO, Wish(), Wish(steps=3, rollbacks=1), Wish(), WAIT, OVER, DONE)
    assert follower.follow(run) == 5
    assert run.chunks == [(0, 2, 0), (2, 3, 1)] and run.is_closed and not run.team.said


def test_images_that_are_late_are_waited_for_by_all():
    run = Run(GO, GO, Wish(), DONE, late=1)
    assert follower.follow(run) == 2
    assert [wish.wait for wish in run.team.wishes] == [True, False, False, False]


def test_images_that_cannot_be_read_end_all_when_the_chief_has_saved():
    run = Run(GO, Wish(), GO, Wish(), Wish(), Wish(code=2), lost=(2,))
    with pytest.raises(UserError, match="no such file"):
        follower.follow(run)
    assert [wish.failed for wish in run.team.wishes] == [False, False, False, True, False, False]
    assert run.chunks == [(0, 2, 0)]


@pytest.mark.parametrize(
    ("word", "error", "line"),
    [
        (STOPPED, Preempted, "stopped after step 2, which worker 0 has saved"),
        (FULL, ToldError, "worker 0 ended after step 2 with exit code 74 and says why"),
    ],
)
def test_it_ends_as_the_chief_does_at_either_meeting(word, error, line):
    for said in ((GO, Wish(), word), (GO, Wish(), GO, word)):
        run = Run(*said)
        with pytest.raises(error) as found:
            follower.follow(run)
        assert str(found.value) == line and found.value.exit_code == word.code and run.is_closed


def test_a_state_that_the_chief_has_put_back_is_taken_at_either_meeting():
    back = Wish(spread=True)
    for said in ((GO, Wish(), back), (GO, Wish(), GO, back)):
        run = Run(*said, Wish(steps=1, rollbacks=1), Wish(), DONE)
        assert follower.follow(run) == 5
        assert run.chunks == [(0, 2, 0), (4, 1, 1)] and run.team.spreads == 1
