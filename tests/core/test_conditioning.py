import numpy as np
import tensorflow as tf

from gan.core import conditioning, layers, rng

ROOT = rng.stream(1, 2)
LABELS = tf.constant([2, 0, -1])


def made(constructor, shape):
    layer = constructor(shape)
    return layer, layer.init(ROOT)


def test_a_joined_label_is_its_row_beside_the_latents_and_no_class_is_zero():
    x = rng.normal(rng.stream(5, 2), (3, 4))
    (constructor,) = conditioning.joined(LABELS, 3)
    layer, params = made(constructor, (4,))
    y = layer.apply(params, x, ROOT, True).numpy()
    np.testing.assert_array_equal(y[:, :4], x)
    np.testing.assert_allclose(y[:, 4:], np.stack([params["embedding"][2], params["embedding"][0], np.zeros(4)]))
    assert (layer.shape, layer.parameters) == ((8,), 12)
    assert conditioning.joined(LABELS, 0) == []


def test_the_first_embedding_has_length_one_however_many_the_latents():
    for size in (16, 256):
        layer = conditioning.joined(None, 100)[0]((size,))
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
    network = conditioning.by_labels((4,), 3, lambda labels: [*conditioning.joined(labels, 3), layers.dense(2)])
    x, params = rng.normal(ROOT, (3, 4)), network.init(ROOT)
    one, other = (
        network.apply(params, x, tf.constant(labels), ROOT, True).numpy() for labels in ([0, 1, 2], [0, 1, 1])
    )
    np.testing.assert_allclose(one[:2], other[:2], atol=1e-6)
    assert np.abs(one[2] - other[2]).max() > 1e-3
    assert sum(row.parameters for row in network.table) == 12 + 8 * 2 + 2
