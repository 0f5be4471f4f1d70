"""The networks as ONNX models: names, shapes and labels."""

import numpy as np
import pytest

from tests.export.exporting import tiny

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("tf2onnx")


def test_names_and_shapes_say_what_goes_in_and_comes_out(capfd):
    from gan.export import onnx

    of = tiny(networks="sngan", conditional=True)
    sides = {
        onnx.generator: ([("latents", ["N", 8]), ("labels", ["N"])], ("images", ["N", 28, 28, 1])),
        onnx.discriminator: ([("images", ["N", 28, 28, 1]), ("labels", ["N"])], ("probabilities", ["N", 1])),
    }
    for make, (taken, given) in sides.items():
        session = onnxruntime.InferenceSession(make(of))
        assert [(each.name, each.shape) for each in session.get_inputs()] == taken
        assert [(each.name, each.shape) for each in session.get_outputs()] == [given]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("networks", ["article", "sngan"])
def test_a_label_that_is_no_class_is_an_error_of_the_runtime(networks):
    from gan.export import interpreters, onnx

    of = tiny(networks=networks, conditional=True)
    function = interpreters.onnx_runtime(onnx.generator(of), ("latents", "labels"))
    latents = of.generator.inputs[0][:2]
    np.testing.assert_allclose(
        function(latents, np.int32([2, 0])), of.generator.function(latents, np.int32([2, 0])), atol=1e-5
    )
    for label in (-5, -1, 3, 99):
        with pytest.raises(Exception, match="out of data bounds"):
            function(latents, np.int32([0, label]))
