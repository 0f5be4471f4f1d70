import gc
import os
import subprocess
import sys
from pathlib import Path

from gan.machine import lean_import

ROOT = Path(__file__).parents[2]


def process(body, folder=None):
    """What the statements print in a process of their own, which finds modules in `folder` before any other."""
    path = os.pathsep.join([*([str(folder)] if folder else []), str(ROOT)])
    code = f"import gc, inspect, sys\nfrom gan.machine import lean_import\n{body}"
    variables = {**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def stand_ins(tmp_path, tensorflow):
    """A package `tensorflow` of these statements, and a Keras that has one module."""
    (tmp_path / "tensorflow.py").write_text(tensorflow)
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras/__init__.py").write_text("from keras import layers")
    (tmp_path / "keras/layers.py").write_text("")
    return tmp_path


def test_what_is_left_out_is_there_when_it_is_asked_for_and_registers_no_gradient():
    body = """
tf = lean_import.imported()
from tensorflow.python.framework import ops
def here():
    late = "keras", "tensorflow._api.v2.compat.v1", "tensorflow.python.feature_column.feature_column_v2"
    return [name for name in late if name in sys.modules]
gradients = set(ops._gradient_registry.list())
print(here(), gc.isenabled(), gc.get_freeze_count() > 100_000)
print(tf.compat.v1.Summary.DESCRIPTOR.name, tf.feature_column.numeric_column("x").key, len(here()))
print(tf.keras.layers.Dense(3)(tf.ones([1, 2])).shape, tf.optimizers.Adam.__name__, len(here()))
print(set(ops._gradient_registry.list()) == gradients, len(gradients) > 500)
"""
    assert process(body) == ["[] True True", "Summary x 2", "(1, 3) Adam 3", "True True"]


def test_a_version_that_needs_what_is_left_out_is_imported_in_the_ordinary_way(tmp_path):
    body = "print(lean_import.imported().found, 'keras.layers' in sys.modules)"
    demanding = stand_ins(tmp_path, "import keras.layers\nfound = keras.layers.__name__")
    assert process(body, demanding) == ["keras.layers True"]


def test_a_version_that_can_do_without_is_imported_without(tmp_path):
    body = "print(lean_import.imported().keras, 'keras' in sys.modules)\nimport keras.layers\nprint(keras.layers)"
    able = stand_ins(tmp_path, "try:\n    import keras.layers\nexcept ImportError:\n    keras = None")
    assert process(body, able)[0] == "None False"


def test_one_that_is_imported_already_is_left_as_it_is(monkeypatch):
    there = object()
    monkeypatch.setitem(sys.modules, "tensorflow", there)
    finders, frozen, collecting = list(sys.meta_path), gc.get_freeze_count(), gc.isenabled()
    assert lean_import.imported() is there
    assert (sys.meta_path, gc.get_freeze_count(), gc.isenabled()) == (finders, frozen, collecting)


def test_collection_stays_off_where_it_was_off(tmp_path):
    body = "gc.disable()\nlean_import.imported()\nfinders = map(inspect.getmodule, sys.meta_path)\n"
    body += "print(gc.isenabled(), lean_import in finders)"
    assert process(body, stand_ins(tmp_path, "")) == ["False False"]
