"""Score rows from a classifier: the mean of the net's scores is the classifier's score."""

import keras
import numpy as np
import pytest

from fcn_keras.losses import MILSoftmax
from fcn_keras.surgery import scores_from_classifier

L = keras.layers


@pytest.fixture
def pair():
    """A classifier of two kinds and a net of three classes over the same features."""
    keras.utils.set_random_seed(0)
    image = keras.Input((None, None, 3))
    features = L.Conv2D(5, 3, padding="same", activation="relu")(image)
    classifier = keras.Model(image, L.Dense(2)(L.GlobalAveragePooling2D()(features)))
    net = keras.Model(image, L.Conv2D(3, 1, name="score_fr")(features))
    return net, classifier


@pytest.mark.backend
def test_the_mean_of_the_scores_is_the_classifiers_score(pair):
    net, classifier = pair
    classifier.layers[-1].bias.assign([0.5, -1.0])
    images = np.random.default_rng(0).normal(size=(2, 6, 8, 3)).astype("float32")
    expected = np.asarray(classifier(images))
    found = np.asarray(scores_from_classifier(net, classifier)(images)).mean((1, 2))
    np.testing.assert_allclose(found[:, 1:], expected, atol=1e-6)
    np.testing.assert_array_equal(found[:, 0], 0)
    scores_from_classifier(net, classifier, [1, None, 0])
    found = np.asarray(net(images)).mean((1, 2))
    np.testing.assert_allclose(found[:, [0, 2]], expected[:, [1, 0]], atol=1e-6)


def test_what_does_not_fit_is_refused(pair):
    net, classifier = pair
    with pytest.raises(ValueError, match=r"one number from 0 to 1, or None, for each of the 3"):
        scores_from_classifier(net, classifier, [None, 2, 0])
    other = keras.Sequential([keras.Input((4,)), L.Dense(2)])
    with pytest.raises(ValueError, match="has 4 input channels.*there is score_fr with 5"):
        scores_from_classifier(net, other)


def test_mil_stays_at_the_background_where_a_net_begins_so_and_not_with_a_classifiers_rows():
    """A red square on grey: the features tell red from grey, the tags say that there is some."""
    rng = np.random.default_rng(0)
    features = rng.normal(0, 0.1, (8, 12, 12, 2)).astype("float32")
    features[..., 0] += 1
    features[:, 3:8, 3:8] += [-1, 1]
    tags = np.ones((8, 2), "float32")
    shares = []
    for kernel in (np.zeros((2, 2)), np.array([[0.0, -1.0], [0.0, 2.0]])):
        inputs = keras.Input((12, 12, 2))
        net = keras.Model(inputs, L.Conv2D(2, 1, name="score_fr")(inputs))
        net.layers[-1].kernel.assign(kernel[None, None] + rng.normal(0, 0.01, (1, 1, 2, 2)))
        net.layers[-1].bias.assign([1.0, 0.0] if not kernel.any() else [0.0, 0.0])
        net.compile(keras.optimizers.SGD(0.05), MILSoftmax(), jit_compile=False)
        net.fit(features, tags, epochs=5, batch_size=8, verbose=0)
        found = np.asarray(net(features)).argmax(-1)
        shares.append((found[:, 3:8, 3:8] == 1).mean())
    assert shares[0] < 0.2 < 0.8 < shares[1]
