import numpy as np
import tensorflow as tf

from gan.core import rng
from gan.networks import conditioning, layers

ROOT = rng.stream(1, 2)
LABELS = tf.constant([2, 0, -1])


def made(constructor, shape):
    layer = constructor(shape)
    return layer, layer.init(ROOT)


def test_latents_are_moved_by_the_row_of_their_label_and_no_class_moves_none():
    x = rng.normal(rng.stream(5, 2), (3, 4))
    (constructor,) = conditioning.added(LABELS, 3)
    layer, params = made(constructor, (4,))
    rows = np.stack([params["embedding"][2], params["embedding"][0], np.zeros(4)])
    np.testing.assert_allclose(layer.apply(params, x, ROOT, True), x + rows, rtol=1e-6)
    assert (layer.shape, layer.parameters) == ((4,), 12)
    assert conditioning.added(LABELS, 0) == []


def test_the_first_embedding_has_length_one_however_many_the_latents():
    for size in (16, 256):
        layer = conditioning.added(None, 100)[0]((size,))
        table = layer.init(ROOT)["embedding"].numpy()
        assert abs(np.mean(np.sum(table**2, axis=1)) - 1.0) < 0.1
        assert abs(table.mean()) < 0.1 / np.sqrt(size)


def test_the_projection_is_a_dense_layer_and_an_inner_product():
    x = rng.normal(rng.stream(5, 2), (3, 4))
    layer, params = made(conditioning.projection(LABELS, 3), (4,))
    params["bias"] = tf.constant([0.5])
    rows = np.stack([params["embedding"][2], params["embedding"][0], np.zeros(4)])
    expected = x @ params["kernel"] + 0.5 + np.sum(x * rows, axis=1, keepdims=True)
    np.testing.assert_allclose(layer.apply(params, x, ROOT, True), expected, rtol=1e-5, atol=1e-6)
    assert layer.parameters == 4 + 1 + 12 == sum(int(tf.size(p)) for p in params.values())


def test_several_labels_of_an_image_have_the_logits_that_each_has_alone():
    x = rng.normal(rng.stream(5, 2), (3, 4))
    several = tf.stack([LABELS, tf.constant([1, 1, 2])], axis=1)

    def network(labels):
        return conditioning.logits(labels, 3)

    judge = conditioning.by_labels((4,), 3, network)
    params = judge.init(ROOT)
    together = judge.apply(params, x, several, ROOT, True)
    alone = [judge.apply(params, x, column, ROOT, True) for column in tf.unstack(several, axis=1)]
    assert alone[0].shape == (3,)
    np.testing.assert_array_equal(together, tf.stack(alone, axis=1))
    assert np.abs(alone[0] - alone[1]).max() > 0.01


def test_the_gradient_of_an_embedding_is_a_tensor_with_the_sum_over_its_examples():
    x, labels = tf.ones([3, 2]), tf.constant([1, 1, 0])
    table = tf.zeros([3, 2])
    with tf.GradientTape() as tape:
        tape.watch(table)
        y = tf.reduce_sum(conditioning.embedded(labels, table) * x * [[1.0], [2.0], [4.0]])
    gradient = tape.gradient(y, table)
    assert isinstance(gradient, tf.Tensor)
    np.testing.assert_array_equal(gradient, [[4, 4], [3, 3], [0, 0]])


def test_without_classes_the_logits_are_those_of_a_dense_layer():
    x = rng.normal(ROOT, (3, 4))
    plain = layers.serial((4,), [layers.dense(1)])
    network = layers.serial((4,), conditioning.logits(None, 0))
    params = network.init(ROOT)
    assert [row.name for row in network.table] == ["dense_1", "cast_1", "column_1"]
    np.testing.assert_array_equal(
        network.apply(params, x, None, ROOT, True), plain.apply(params, x, None, ROOT, True)[:, 0]
    )


def test_a_network_by_labels_takes_those_of_the_call():
    network = conditioning.by_labels((4,), 3, lambda labels: [*conditioning.added(labels, 3), layers.dense(2)])
    x, params = rng.normal(ROOT, (3, 4)), network.init(ROOT)
    one, other = (
        network.apply(params, x, tf.constant(labels), ROOT, True).numpy() for labels in ([0, 1, 2], [0, 1, 1])
    )
    np.testing.assert_allclose(one[:2], other[:2], atol=1e-6)
    assert np.abs(one[2] - other[2]).max() > 1e-3
    assert sum(row.parameters for row in network.table) == 12 + 4 * 2 + 2
