"""Writing and checking the pair in every form: a fault in what was written is found."""

import errno
import resource
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan.errors import UserError
from gan.export import formats, models
from gan.export.formats import FORMATS
from tests.export.exporting import PAIRS, exported, tiny


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    """Speeds are measured by one call."""
    monkeypatch.setattr(models, "_ENOUGH", 0.0)


def _skip_without(form: str) -> None:
    for module in FORMATS[form].packages:
        pytest.importorskip(module)


# Keras layers are made for each pair apart; the other forms see one function, so each pair is tried in one way in each.
@pytest.mark.parametrize(
    ("networks", "form", "conditional"),
    [
        *((networks, "h5", conditional) for networks in PAIRS for conditional in (False, True)),
        *((networks, "tflite", bool(i % 2)) for i, networks in enumerate(PAIRS)),
        *((networks, "onnx", not i % 2) for i, networks in enumerate(PAIRS)),
    ],
)
def test_what_was_written_is_what_the_engine_computes(networks, form, conditional, tmp_path):
    _skip_without(form)
    of = tiny(networks=networks, conditional=conditional, g_output="linear", precision="mixed_bfloat16", d_dropout=0.1)
    for side in (of.generator, of.discriminator):
        assert np.std(side.function(*side.inputs)) > 1e-3  # otherwise equality says nothing
    _, found = exported(tmp_path, form, of)
    assert [model.name for model in found] == formats.names(form, of.config)
    assert [path.name for path in sorted(tmp_path.iterdir())] == sorted(model.name for model in found)
    assert all(0 <= model.difference < 5e-6 for model in found if model.kind == "float32")
    assert all(model.size == (tmp_path / model.name).stat().st_size for model in found)
    assert {model.network: model.parameters for model in found} == {
        "generator": of.generator.parameters,
        "discriminator": of.discriminator.parameters,
    }


@pytest.mark.parametrize(
    ("form", "shape", "settings"),
    [
        ("saved_model", (24, 40, 3), {"networks": "article"}),
        ("keras", (32, 16, 3), {"networks": "residual", "conditional": True, "depth": 2, "objective": "hinge"}),
        ("tflite", (16, 32, 1), {"networks": "dcgan", "conditional": True, "d_pixel_range": "symmetric"}),
        ("onnx", (32, 16, 3), {"networks": "sngan", "objective": "hinge"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_images_of_any_size_and_logits_of_either_sign(form, shape, settings, tmp_path):
    _skip_without(form)
    _, found = exported(tmp_path, form, tiny(shape, **settings))
    assert max(model.difference for model in found if model.kind == "float32") < 1e-5


def test_what_looks_at_the_whole_batch_is_left_out_where_it_cannot_be_held(tmp_path):
    of = tiny((20, 20, 1), networks="residual", minibatch_deviation=4)
    assert formats.default(of.config) == "saved_model" and formats.default(tiny().config) == "h5"
    assert formats.names("keras", of.config) == ["generatormodel.keras"]
    for form, expected in {"keras": ["generator"], "saved_model": ["generator", "discriminator"]}.items():
        _, found = exported(tmp_path, form, of)
        assert [model.network for model in found] == expected


@pytest.mark.parametrize("form", ["h5", "keras"])
def test_no_room_is_an_error_of_the_system(form, tmp_path):
    made = list(FORMATS[form].models(tiny()))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(OSError) as raised:
            models.write(tmp_path, form, made)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert raised.value.errno == errno.EFBIG


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder with both models of plain Keras layers, the networks that they are of, and the models."""
    folder, of = tmp_path_factory.mktemp("written"), tiny()
    return folder, of, exported(folder, "keras", of)[0]


def test_other_weights_are_found(written):
    folder, of, made = written
    params = tf.nest.map_structure(lambda value: value + 1e-7, of.discriminator.params)
    other = of._replace(discriminator=of.discriminator._replace(params=params))
    with pytest.raises(UserError, match=r"discriminatormodel\.keras, read back, has other weights"):
        models.check(folder, "keras", other, made)


@pytest.mark.parametrize("change", [2 * models.TOLERANCE, float("nan")])
def test_other_outputs_are_found(written, change):
    folder, of, made = written
    function = of.generator.function
    other = of._replace(generator=of.generator._replace(function=lambda x: function(x) + np.float32(change)))
    with pytest.raises(
        UserError, match=r"generatormodel\.keras, read back, gives outputs that differ .* by (0\.0002|nan)"
    ):
        models.check(folder, "keras", other, made)


def test_weights_of_less_precision_may_differ_but_not_make_other_images(tmp_path):
    pytest.importorskip("ai_edge_litert.interpreter")
    of = tiny()
    made, found = exported(tmp_path, "tflite", of)
    by_kind = {model.kind: model for model in found if model.network == "generator"}
    assert list(by_kind) == ["float32", "float16", "int8"]
    assert by_kind["float32"].size > 1.5 * by_kind["float16"].size > 1.5 * by_kind["int8"].size
    assert 1e-6 < by_kind["float16"].difference < 1e-2 and 1e-4 < by_kind["int8"].difference < 0.2
    assert all(model.mean_difference <= model.difference and model.images_per_second > 0 for model in by_kind.values())
    other = of._replace(generator=of.generator._replace(function=lambda x: of.generator.function(x) - 0.2))
    with pytest.raises(UserError, match=r"generatormodel_int8\.tflite, .* in the mean, more than 0\.1; nothing was"):
        models.check(tmp_path, "tflite", other, [model for model in made if model.kind == "int8"])


def test_what_a_form_needs_is_said_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UserError, match=r"--format=onnx needs onnxruntime, which is not here: .* -m pip install"):
        formats.check_packages("onnx")
    formats.check_packages("h5")


def test_the_requirements_are_those_of_the_extras(pytestconfig):
    text = (pytestconfig.rootpath / "pyproject.toml").read_text()
    for form in ("tflite", "onnx"):
        for requirements in FORMATS[form].packages.values():
            assert all(f'"{one}"' in text or f'"{one};' in text for one in requirements.split())


def test_the_persons_settings_of_keras_change_nothing_and_stay():
    of = tiny(preset="modern", width=0.1)
    expected = [model.content for model in FORMATS["keras"].models(of)]
    before = keras.config.image_data_format(), keras.config.floatx(), keras.config.dtype_policy()
    try:
        keras.config.set_image_data_format("channels_first")
        keras.config.set_floatx("float16")
        keras.config.set_dtype_policy("mixed_bfloat16")
        made = [model.content for model in FORMATS["keras"].models(of)]
        found = keras.config.image_data_format(), keras.config.floatx(), keras.config.dtype_policy().name
    finally:
        for change, value in zip(_CHANGES, before, strict=True):
            change(value)
    assert found == ("channels_first", "float16", "mixed_bfloat16")
    for model, plain, side in zip(made, expected, (of.generator, of.discriminator), strict=True):
        assert model.output.dtype == "float32"
        np.testing.assert_array_equal(model(*side.inputs), plain(*side.inputs))


_CHANGES = keras.config.set_image_data_format, keras.config.set_floatx, keras.config.set_dtype_policy


@pytest.fixture(scope="module")
def saved():
    """Networks and the model of the generator, to be written."""
    of = tiny((20, 20, 1))
    return of, [next(FORMATS["saved_model"].models(of))]


@pytest.mark.parametrize("name", ["[1]", "a*?", "{x}", "back\\slash", "new\nline", "%20 #", "s3:", "ö"])
def test_a_folder_of_any_name_holds_a_saved_model(name, saved, tmp_path):
    of, made = saved
    (tmp_path / name).mkdir()
    models.write(tmp_path / name, "saved_model", made)
    (found,) = models.check(tmp_path / name, "saved_model", of, made)
    assert found.difference < 1e-6
    assert [path.name for path in (tmp_path / name).iterdir()] == [found.name]
