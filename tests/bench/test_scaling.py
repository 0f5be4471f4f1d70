"""The estimate on paper: by hand for the article's networks, whose sizes its text gives."""

import re
from pathlib import Path

import pytest
import tensorflow as tf

from gan import build
from gan import config as configs
from gan.bench import scaling

ARTICLE = 2_450_049, 1_113_345  # parameters


def given(*flags: str):
    return scaling.options(flags)[1]


@pytest.fixture(scope="module")
def article():
    return scaling.paper("article", given("--resolution=28", "--channels=1"))


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_what_is_sent_and_saved_is_four_bytes_a_parameter(article):
    """Of each network the parameters and Adam's two moments are saved; the article keeps no average."""
    assert sorted(article.gradients) == sorted(4 * count for count in ARTICLE)
    config = configs.make("article")
    state = build.initial_state(config, article.game)
    values = [tensor.numpy() for tensor in tf.nest.flatten(state)]
    assert article.state == sum(value.nbytes for value in values)
    assert article.state == pytest.approx(4 * 3 * sum(ARTICLE), rel=1e-3)


def test_a_step_is_its_work_at_the_speed_assumed_and_two_rings(article):
    assumed = given("--tflops=100", "--utilization=0.5", "--network_gbytes=2", "--link_share=0.5", "--gpus_a_node=4")
    one, four, eight = (scaling.step(article, gpus, assumed) for gpus in (1, 4, 8))
    layers = [row.multiply_adds for network in article.game[:2] for row in network.table]
    assert one.sent == one.communicating == 0 and one.computing * 50e12 > 2 * one.batch * sum(layers)
    assert one.computing == four.computing == eight.computing and eight.batch == 8 * one.batch
    assert eight.sent == pytest.approx(2 * 7 / 8 * 4 * sum(ARTICLE))
    assert eight.communicating == pytest.approx(eight.sent / 1e9 + 2 * 14 * 10e-6)  # 14 hops for each player
    assert four.communicating == pytest.approx(four.sent / 225e9 + 2 * 6 * 10e-6)  # by the link within a node


def test_a_batch_that_is_given_is_shared(article, capsys, monkeypatch):
    shared = scaling.step(article, 4, given("--batch_size=64"))
    whole = scaling.step(article, 1, given("--batch_size=64"))
    assert shared.batch == 64 and shared.computing == pytest.approx(whole.computing / 4)
    monkeypatch.setattr(scaling, "paper", lambda preset, assumed: article)
    with pytest.raises(SystemExit):
        scaling.main(["--preset=article", "--gpus=3", "--batch_size=64"])
    assert "--batch_size=64 is global and must be divisible by the 3 GPUs" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--gpus=8,x", "--gpus=0", "--tflops=0", "--mtbf_hours=nan"])
def test_what_cannot_be_is_one_line(flag, capsys):
    with pytest.raises(SystemExit):
        scaling.options([flag])
    assert f"error: {flag.partition('=')[0]}" in capsys.readouterr().err


def test_the_tables_agree_with_what_they_are_made_of(article):
    assumed = given("--images=1e6", "--mtbf_hours=100", "--save_mbytes=1", "--image_bytes=1000", "--gpus_a_node=8")
    steps = [scaling.step(article, gpus, assumed) for gpus in (1, 16)]
    one, sixteen = map(cells, scaling.steps_table(article, steps, assumed)[2:])
    assert one[5] == "100%" and float(one[6].replace(",", "")) == pytest.approx(one_speed(steps[0]), abs=1)
    _, failing = map(cells, scaling.failures_table(article, steps, assumed)[2:])
    assert failing[:3] == ["16", "6.25", f"{article.state / 1e6:.2f}"]
    assert float(failing[3]) == pytest.approx((2 * article.state / 1e6 * 6.25 * 3600) ** 0.5 / 60, rel=0.01)
    _, reading = map(cells, scaling.data_table(article, steps, assumed)[2:])
    in_all, node, gpu, _ = (float(cell.replace(",", "")) for cell in reading[1:])
    assert in_all == pytest.approx(1e-3 * one_speed(steps[1]), rel=0.01)
    assert (node, gpu) == (pytest.approx(in_all / 2, abs=0.1), pytest.approx(in_all / 16, abs=0.1))
    assert cells(scaling.order_table(assumed)[2]) == ["plain", "0.0", "0.0"]


def one_speed(step: scaling.Step) -> float:
    """Images a second; the article has one update of the discriminator a step."""
    return step.batch / (step.computing + step.communicating)


def test_the_rule_ends_where_beta2_would_be_below_0():
    large = scaling.paper("modern_large", given("--resolution=28", "--channels=1"))
    steps = [scaling.step(large, gpus, given()) for gpus in (1, 8, 1000)]
    own, eight, thousand = map(cells, scaling.settings_table(large, steps)[2:])
    assert own == ["1", "256", "1", "0.00071", "0.92", "80,000", "4,800,000"]
    assert eight[3:5] == ["0.002", "0.36"] and thousand[4] == "none: 1 - beta2 = 80"


def test_the_tables_of_the_page_are_printed_by_its_commands(capsys, monkeypatch):
    page = (Path(__file__).parents[2] / "docs/scaling.md").read_text(encoding="utf-8")
    commands = re.findall(r"^    \.venv/bin/python -m gan\.bench\.scaling (.+?)$", page, re.MULTILINE)
    assert len(commands) >= 3 and all("--preset=modern_large" in command for command in commands)
    large = scaling.paper("modern_large", given())
    monkeypatch.setattr(scaling, "paper", lambda preset, assumed: large)  # it takes seconds to build
    for command in commands:
        scaling.main(command.split())
        for part in capsys.readouterr().out.strip().split("\n\n"):
            assert part in page, f"print it anew: python -m gan.bench.scaling {command}"
