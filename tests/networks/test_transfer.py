"""What a network takes of another: which layers of which, to the bit; and that what is converted computes the same."""

import numpy as np
import pytest
import tensorflow as tf

from gan import build, config
from gan.core import rng
from gan.core.base import Network
from gan.networks.conversions import LUMA
from gan.networks.transfer import Side, Transfer, leaves, nest, transfer

PAIRS = ("article", "dcgan", "modern", "sngan")
SMALL = {"g_width": 8, "d_width": 4, "latent_size": 6}


def network(draws: bool, preset: str, size: int = 32, channels: int = 1, classes=(), **settings) -> Network:
    settings = SMALL | settings | {"conditional": bool(classes)}
    make = build.generator if draws else build.discriminator
    return make(config.make(preset, **settings), (size, size, channels), build.PLAIN, len(classes))


def side(of: Network, seed: int, draws: bool, classes: tuple[str, ...] = ()) -> Side:
    """A side with parameters of which none is 0 or 1."""
    params = of.init(rng.stream(seed=seed, step=0))
    random = np.random.default_rng(seed)
    return Side(
        of.table, {k: random.normal(size=v.shape).astype("f") for k, v in leaves(params).items()}, classes, draws
    )


def moved(draws: bool, preset: str, old: dict, new: dict) -> tuple[Transfer, Side, Side]:
    """The transfer between networks of these sizes, channels, classes and settings, and its two sides."""
    sides = [
        side(network(draws, preset, **of), seed, draws, of.get("classes", ())) for seed, of in enumerate((old, new))
    ]
    return transfer(*sides), *sides


def layers(found: Transfer) -> dict[str, str]:
    """Which layers were taken as they are, and as which."""
    return {path.split("/")[0]: there.split("/")[0] for path, there in found.same.items()}


@pytest.mark.parametrize("draws", [True, False], ids=["generator", "discriminator"])
@pytest.mark.parametrize("preset", PAIRS)
def test_of_the_same_networks_all_is_taken_to_the_bit(preset, draws):
    found, old, new = moved(draws, preset, {"classes": ("a", "b")}, {"classes": ("a", "b")})
    assert found.same == {path: path for path in new.tensors} and found.remarks == ()
    assert all(np.array_equal(found.tensors[path], value) for path, value in old.tensors.items())
    assert (found.taken, found.parameters) == (len(new.tensors), sum(x.size for x in new.tensors.values()))


@pytest.mark.parametrize(
    "draws, preset, old, new, expected",
    [
        (True, "modern", {}, {"size": 64}, "dense_1 block_1 block_2 block_3 conv_1"),
        (True, "modern", {"size": 64}, {}, "dense_1 block_1 block_2 block_3 conv_1"),
        (True, "modern", {"size": 28}, {}, "block_1 block_2 block_3 conv_1"),
        (True, "modern", {"depth": 2}, {}, "dense_1 block_1 block_2=block_3 block_3=block_5 conv_1"),
        (True, "dcgan", {}, {"size": 64}, "dense_1 batch_norm_1 conv_1 batch_norm_2"),
        (True, "article", {}, {"size": 64}, "dense_1 conv_1 conv_2 conv_4=conv_3 conv_5=conv_4 conv_6=conv_5"),
        (True, "sngan", {}, {"size": 64}, "dense_1 block_1 block_2 batch_norm_1 conv_1"),
        (False, "modern", {}, {"size": 64}, "conv_1 block_1 block_2"),
        (
            False,
            "modern",
            {"d_width": 8},
            {"size": 64},
            "block_2=block_1 block_3=block_2 block_4=block_3 weighted_sum_1 dense_1",
        ),
        (False, "modern", {}, {"minibatch_deviation": 2}, "conv_1 block_1 block_2 block_3 weighted_sum_1 dense_1"),
        (False, "dcgan", {}, {"size": 64}, "conv_1 conv_2"),
        (False, "article", {}, {"size": 64}, "conv_1 conv_2 conv_3 conv_4"),
        (False, "sngan", {}, {"size": 64}, "block_1 block_3=block_2 block_4=block_3 block_5=block_4 dense_1"),
        (False, "modern", {}, {"d_width": 6}, ""),
    ],
)
def test_which_layers_of_which(draws, preset, old, new, expected):
    wide = {"g_width": 64} if draws else {}  # so that the last blocks are as narrow as they get
    found, there, here = moved(draws, preset, wide | old, wide | new)
    pairs = {word.partition("=")[0]: word.rpartition("=")[2] for word in expected.split()}
    assert layers(found) == pairs
    assert all(np.array_equal(found.tensors[path], there.tensors[other]) for path, other in found.same.items())
    begun = found.tensors.keys() - found.same
    assert all(np.array_equal(found.tensors[path], here.tensors[path]) for path in begun)
    assert {line.split()[0].split("/")[0] for line in found.remarks if "anew" in line} == set(here.layers) - set(pairs)


def test_a_reason_says_both_shapes():
    found, _, _ = moved(False, "modern", {}, {"d_width": 6})
    assert found.remarks[0] == "conv_1 begins anew (kernel is [3, 3, 1, 4] there, [3, 3, 1, 6] here)"
    assert found.remarks[-1] == "not used: conv_1, block_1, block_2 and 3 more"
    found, _, _ = moved(True, "modern", {}, {"size": 64})
    assert "block_4 begins anew (not there)" in found.remarks


def judged(of: Network, tensors: dict, images: np.ndarray) -> np.ndarray:
    return of.apply(nest(tensors), tf.constant(images), None, rng.stream(0, 0), False).numpy()


@pytest.mark.parametrize("preset", PAIRS)
def test_a_grey_image_is_judged_as_before(preset):
    grey, colour = network(False, preset), network(False, preset, channels=3)
    images = np.random.default_rng(0).random((3, 32, 32, 1), np.float32)
    as_rgb = np.repeat(images, 3, axis=3)
    for old, new, before, now in ((grey, colour, images, as_rgb), (colour, grey, as_rgb, images)):
        there = side(old, 0, False)
        found = transfer(there, side(new, 1, False))
        assert found.taken == len(found.tensors)
        expected = judged(old, there.tensors, before)
        np.testing.assert_allclose(
            judged(new, found.tensors, now), expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max()
        )


def test_an_rgb_image_is_judged_as_the_grey_one_that_it_becomes():
    grey, colour = network(False, "modern"), network(False, "modern", channels=3)
    there = side(grey, 0, False)
    found = transfer(there, side(colour, 1, False))
    images = np.random.default_rng(0).random((3, 32, 32, 3), np.float32)
    expected = judged(grey, there.tensors, (images @ np.float32(LUMA))[..., None])
    close = {"rtol": 1e-3, "atol": 1e-5 * np.abs(expected).max()}
    np.testing.assert_allclose(judged(colour, found.tensors, images), expected, **close)


@pytest.mark.parametrize("preset", PAIRS)
def test_images_are_drawn_as_before_in_grey_and_rgb(preset):
    grey, colour = (network(True, preset, channels=channels, g_output="linear") for channels in (1, 3))
    latents = np.random.default_rng(0).normal(size=(3, 6)).astype("f")
    there = side(grey, 0, True)
    found = transfer(there, side(colour, 1, True))
    expected = np.repeat(judged(grey, there.tensors, latents), 3, axis=3)
    close = {"rtol": 0, "atol": 1e-6 * np.abs(expected).max()}
    np.testing.assert_allclose(judged(colour, found.tensors, latents), expected, **close)
    there = side(colour, 0, True)
    found = transfer(there, side(grey, 1, True))
    expected = judged(colour, there.tensors, latents) @ np.float32(LUMA)
    np.testing.assert_allclose(judged(grey, found.tensors, latents)[..., 0], expected, **close)
    last = there.layers[-1]
    assert found.remarks == tuple(f"{last}/{name} for grey as it was for RGB" for name in ("kernel", "bias"))


def test_rows_of_classes_go_by_their_names():
    found, old, new = moved(
        True, "modern", {"classes": ("cat", "dog", "owl")}, {"classes": ("emu", "owl", "cat", "yak")}
    )
    rows, there, here = (x["embedding_1/embedding"] for x in (found.tensors, old.tensors, new.tensors))
    np.testing.assert_array_equal(rows, [here[0], there[2], there[0], here[3]])
    assert found.remarks == ("embedding_1/embedding by the names of the classes; new: emu, yak",)
    assert found.parameters == sum(x.size for x in new.tensors.values()) - 2 * here.shape[1]


def test_the_same_classes_in_another_order_are_not_the_same_rows():
    found, old, _ = moved(False, "modern", {"classes": ("cat", "dog")}, {"classes": ("dog", "cat")})
    np.testing.assert_array_equal(found.tensors["projection_1/embedding"], old.tensors["projection_1/embedding"][::-1])
    assert found.remarks == ("projection_1/embedding by the names of the classes",)
    assert "projection_1/embedding" not in found.same and "projection_1/kernel" in found.same


def test_no_class_in_common_leaves_the_first_rows():
    found, _, new = moved(True, "modern", {"classes": ("a",)}, {"classes": ("b",)})
    np.testing.assert_array_equal(found.tensors["embedding_1/embedding"], new.tensors["embedding_1/embedding"])
    assert found.remarks == (
        "embedding_1 begins anew (no class of these names there)",
        "not used: embedding_1",
    )


def test_with_labels_and_without():
    found, old, _ = moved(False, "modern", {"classes": ("a", "b")}, {})
    assert found.same["dense_1/kernel"] == "projection_1/kernel" and found.remarks == ()
    found, _, new = moved(False, "modern", {}, {"classes": ("a", "b")})
    assert found.same["projection_1/bias"] == "dense_1/bias"
    assert found.remarks == ("projection_1/embedding begins anew (not there)",)
    np.testing.assert_array_equal(found.tensors["projection_1/embedding"], new.tensors["projection_1/embedding"])
    found, old, _ = moved(True, "modern", {"classes": ("a", "b")}, {})
    assert found.remarks == ("not used: embedding_1",) and found.taken == len(found.tensors)


def test_scales_by_class_are_those_of_all_and_the_other_way_round():
    name = "block_1/batch_norm_1/scale"
    found, old, _ = moved(True, "sngan", {}, {"classes": ("a", "b")})
    np.testing.assert_array_equal(found.tensors[name], [old.tensors[name]] * 2)
    found, old, _ = moved(True, "sngan", {"classes": ("a", "b")}, {})
    np.testing.assert_allclose(found.tensors[name], old.tensors[name].mean(axis=0), rtol=1e-6)
    found, old, _ = moved(True, "sngan", {"classes": ("a", "b")}, {"classes": ("b", "c")})
    np.testing.assert_allclose(found.tensors[name], [old.tensors[name][1], old.tensors[name].mean(axis=0)], rtol=1e-6)


def test_other_latents_cost_the_first_layer_alone():
    found, _, new = moved(True, "modern", {}, {"latent_size": 7})
    assert set(new.layers) - set(layers(found)) == {"dense_1"}
