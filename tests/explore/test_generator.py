"""What stands behind the page: the images of bin/sample, of any step, of any pair, while a run trains."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from gan.errors import UserError
from gan.explore import generator as generators
from gan.explore.generator import Generator, Gone
from gan.jobs import sample
from gan.runs import trained, workdir
from tests.explore import runs

PAIRS = {
    "article": ("article", runs.SHAPE, ()),
    "dcgan": ("dcgan", (16, 24, 3), ()),
    "sngan": ("sngan", (24, 16, 1), runs.NAMES),
    "residual": ("modern", (32, 32, 3), ()),
    "residual with classes": ("modern_conditional", (28, 28, 1), runs.NAMES),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_it_draws_the_images_of_bin_sample_to_the_byte(pair, tmp_path):
    preset, shape, names = PAIRS[pair]
    conditional = {"conditional": True, "objective": "hinge"} if preset == "sngan" else {}
    shares = [1 / len(names) for _ in names]
    folder = runs.begin(tmp_path / "run", preset, (7,), shape=shape, names=names, shares=shares, **conditional)
    sample.run(sample.Request(str(folder), str(tmp_path / "x.npz"), num=11, seed=5))
    with np.load(tmp_path / "x.npz") as archive:
        expected, labels = archive["images"], archive["labels"] if names else None
    generator = Generator(trained.saved_run(folder))
    images, step = generator.draw(generator.latents(5, 0, 11), labels)
    assert step == 7 and expected.std() > 1
    np.testing.assert_array_equal(images, expected)
    alone, _ = generator.draw(generator.latents(5, 10, 1), None if labels is None else labels[10:])
    np.testing.assert_array_equal(alone, expected[10:])


def test_facts_are_what_a_page_must_know(generator, conditional_run):
    facts = generators.facts(generator)
    assert facts["title"] == "three classes" and facts["step"] == 300 and facts["steps"] == [100, 200, 300]
    assert facts["latent_size"] == 16 and facts["image_shape"] == [28, 28, 1]
    assert facts["classes"] == [{"number": i, "name": name} for i, name in enumerate(runs.NAMES)]
    assert [each["name"] for each in facts["directions"]] == [f"Direction {i}" for i in range(1, 11)]
    assert all(np.isclose(np.linalg.norm(each["vector"]), 1.0) for each in facts["directions"])
    shares = [each["share"] for each in facts["directions"]]
    assert shares == sorted(shares, reverse=True) and 0 < sum(shares) < 1


def test_each_step_has_networks_of_its_own_and_few_stay_in_memory(tmp_path, monkeypatch):
    steps = range(1, 8)
    folder = runs.begin(tmp_path / "run", "article", steps)
    generator = Generator(trained.saved_run(folder))
    latents, read = generator.latents(0, 0, 1), []
    load = trained.load
    monkeypatch.setattr(trained, "load", lambda run, step=None: read.append(step) or load(run, step))
    images = {step: generator.draw(latents, None, step)[0].tobytes() for step in steps}
    assert len(set(images.values())) == len(steps)
    assert read == [*steps]  # of which the last was in memory at first
    read.clear()
    assert generator.draw(latents, None, 5)[0].tobytes() == images[5] and read == []
    assert generator.draw(latents, None, 1)[0].tobytes() == images[1] and read == [1]


def test_it_follows_a_newer_checkpoint(tmp_path):
    folder = runs.begin(tmp_path / "run", "article", (1, 2))
    following = Generator(trained.saved_run(folder))
    latents = following.latents(0, 0, 1)
    before = following.draw(latents)
    assert before[1] == 2 and not following.follow()
    runs.save(folder, 3)
    assert following.follow() and following.draw(latents)[1] == 3
    assert (following.draw(latents)[0] != before[0]).any()
    kernel = trained.open(folder, 3).generator["dense_1"]["kernel"].numpy()
    strongest = following.shown.directions[0].vector
    np.testing.assert_allclose(
        np.sum((strongest @ kernel) ** 2) / np.sum(kernel**2), following.shown.directions[0].share, rtol=1e-4
    )
    assert generators.facts(following)["steps"] == [1, 2, 3] and not following.follow()


def test_a_newest_one_that_is_damaged_is_passed_over(tmp_path):
    folder = runs.begin(tmp_path / "run", "article", (1, 2))
    generator = Generator(trained.saved_run(folder))
    runs.save(folder, 3)
    data = folder / workdir.CHECKPOINTS / "step_0000000003" / "state.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-1])
    assert not generator.follow() and generator.shown.step == 2
    with pytest.raises(Gone, match="step_0000000003 is damaged"):
        generator.draw(generator.latents(0, 0, 1), None, 3)


def test_a_step_that_has_gone_is_told_unless_it_is_in_memory(tmp_path):
    folder = runs.begin(tmp_path / "run", "article", (1, 2, 3))
    generator = Generator(trained.saved_run(folder))
    latents = generator.latents(0, 0, 1)
    kept, _ = generator.draw(latents, None, 2)
    for step in (1, 2):
        shutil.rmtree(folder / workdir.CHECKPOINTS / f"step_{step:010d}")
    with pytest.raises(Gone, match="no checkpoint of step 1; choose one of 3"):
        generator.draw(latents, None, 1)
    np.testing.assert_array_equal(generator.draw(latents, None, 2)[0], kept)
    assert generator.steps() == [3]


def test_many_threads_read_a_step_once_and_draw_the_same(tmp_path, monkeypatch):
    folder = runs.begin(tmp_path / "run", "article", (1, 2))
    generator = Generator(trained.saved_run(folder))
    latents, read, load = generator.latents(0, 0, 9), [], trained.load
    monkeypatch.setattr(trained, "load", lambda run, step=None: read.append(step) or load(run, step))
    with ThreadPoolExecutor(8) as pool:
        drawn = list(pool.map(lambda i: generator.draw(latents[i % 9 :][:1], None, 1)[0], range(36)))
    assert read == [1]
    expected, _ = generator.draw(latents, None, 1)
    np.testing.assert_array_equal(np.concatenate(drawn), np.tile(expected, (4, 1, 1, 1)))


def test_without_a_checkpoint_it_says_so(tmp_path):
    folder = runs.begin(tmp_path / "run", "article", ())
    with pytest.raises(UserError, match="has no checkpoint yet; wait until its trainer has saved one"):
        Generator(trained.saved_run(folder))
