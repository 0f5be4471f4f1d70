"""Timings: alternation, the round that is not kept, medians and paired ratios."""

from gan.engine import benchmark


def test_contestants_alternate_and_the_first_round_is_not_kept():
    order = []

    def contestant(name):
        return lambda: order.append(name) or float(len(order))

    seconds = benchmark.alternate({"a": contestant("a"), "b": contestant("b")}, rounds=3)
    assert order == ["a", "b"] * 4
    assert seconds == {"a": [3.0, 5.0, 7.0], "b": [4.0, 6.0, 8.0]}


def test_ratios_are_taken_within_rounds():
    timings = benchmark.compared({"slow": [2.0, 20.0, 4.0], "fast": [1.0, 5.0, 4.0]})
    assert timings["slow"] == (2.0, 4.0, 20.0, 1.0)
    assert timings["fast"] == (1.0, 4.0, 5.0, 2.0)
