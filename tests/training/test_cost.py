"""The cost of a step, pass by pass."""

from typing import NamedTuple

from gan.core.base import Network, Row
from gan.training import cost


class Penalized(NamedTuple):
    every: int


class Rules(NamedTuple):
    """The fields of a game that a cost depends on."""

    generator: Network
    discriminator: Network
    d_steps: int
    regularization: Penalized | None


def network(*layers: tuple[int, int, int]) -> Network:
    """Of layers with so many (parameters, multiply-adds, outputs)."""
    return Network(None, None, tuple(Row(f"layer_{i}", (1,), *numbers) for i, numbers in enumerate(layers)))


G, D = network((5, 100, 30), (7, 200, 20)), network((11, 40, 8))


def test_parameters_are_those_of_all_layers():
    assert cost.parameters(G) == 12 and cost.parameters(D) == 11


def test_the_operations_of_a_step_are_those_of_its_passes():
    g, d = 300, 40
    d_update = g + 2 * (d + 2 * d)  # fakes; real and fake forward and back, for parameters and for what is below
    g_update = g + d + d + 2 * g  # fakes, their logits, back to the images, back to the parameters
    assert cost.step_flops(Rules(G, D, 1, None), batch=3) == 2 * 3 * (d_update + g_update)
    assert cost.step_flops(Rules(G, D, 5, None), batch=3) == 2 * 3 * (5 * d_update + g_update)
    penalty = (d + d) + 2 * (d + d)  # to the images; for its own gradient twice as much
    assert cost.step_flops(Rules(G, D, 1, Penalized(4)), 1) == 2 * (d_update + penalty // 4 + g_update)


def test_the_memory_of_a_step_grows_with_the_batch_and_holds_each_parameter_four_times():
    rules = Rules(G, D, 1, None)
    one, two = (cost.step_bytes(rules, batch, spectral=False) for batch in (1, 2))
    assert one - (two - one) == 4 * 4 * (12 + 11) and two > one
    assert cost.step_bytes(rules, 1, spectral=True) > one
