"""A teacher in a training step: what is computed, by whom, and which teachers are refused."""

import keras
import numpy as np
import pytest

import fcn_keras
from fcn_keras import tasks
from fcn_keras.labels import LabelSet
from fcn_keras.losses import CrossEntropy
from fcn_keras.training import Teacher, teach
from fcn_keras.training.distillation import check_teacher

pytestmark = pytest.mark.backend
NAMES = LabelSet(("ground", "red", "blue"))


@pytest.fixture
def teacher(make_net):
    model = make_net(name="large")
    random = np.random.default_rng(2)  # the moving statistics differ from those of the batch
    model.set_weights([w + random.uniform(0.1, 0.5, w.shape) for w in model.get_weights()])
    return model


@pytest.fixture
def batch():
    random = np.random.default_rng(5)
    labels = random.integers(0, 3, (2, 8, 10)).astype("uint8")
    labels[:, 0] = 255
    return random.integers(0, 256, (2, 8, 10, 3)).astype("uint8"), labels


def softmax(logits):
    odds = np.exp(logits.astype("float64"))
    return odds / odds.sum(-1, keepdims=True)


def first_loss(student, batch, *teaching):
    """The loss of the first step, after the net had another teacher before."""
    student.layers[-2].rate = 0.0  # Dropout
    weights = np.random.default_rng(0)
    student.set_weights([weights.uniform(0.1, 0.5, w.shape) for w in student.get_weights()])
    student.compile(keras.optimizers.SGD(0.1), CrossEntropy())
    teach(student, student)
    teach(student, *teaching)
    return student.fit(*batch, batch_size=2, shuffle=False, verbose=0).history["loss"][0]


def test_a_step_follows_the_gradient_of_the_formula(make_net, teacher, batch):
    """A step of plain SGD moves the last bias against the gradient that NumPy computes."""
    images, labels = batch
    student = make_net()
    dropout, head = student.layers[-2:]
    dropout.rate = 0.0
    head.bias.assign([0.3, -0.2, 0.1])
    student.compile(keras.optimizers.SGD(1.0), CrossEntropy())
    teach(student, teacher, temperature=2, alpha=0.4)
    known = teacher.predict(images, verbose=0)
    weights = teacher.get_weights()
    before = student.get_weights()
    logits = np.asarray(student(images.astype("float32"), training=True))
    student.set_weights(before)
    student.fit(images, labels, batch_size=2, verbose=0)

    counted = labels != 255
    of_labels = softmax(logits[counted]) - np.eye(3)[labels[counted]]
    of_teacher = 2 * (softmax(logits[counted] / 2) - softmax(known[counted] / 2))
    expected = before[-1] - (0.6 * of_labels + 0.4 * of_teacher).mean(0)
    np.testing.assert_allclose(np.array(head.bias), expected, atol=2e-5)
    for weight, now in zip(weights, teacher.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, now)
    measured = student.evaluate(images, labels, verbose=0)  # without the teacher
    alone = float(CrossEntropy()(labels, student.predict(images, verbose=0)))
    assert measured == pytest.approx(alone, rel=1e-5)


def test_what_is_no_keras_model_teaches_by_its_probabilities(make_net, teacher, batch):
    images, labels = batch
    known = softmax(teacher.predict(images, verbose=0)).astype("float32")

    class Elsewhere:
        labels = NAMES

        def segment(self, image):
            raise AssertionError

        def probabilities(self, images):
            return known

    losses = [first_loss(make_net(), batch, given) for given in (teacher, Elsewhere())]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)


def test_without_weight_or_without_a_teacher_the_loss_is_that_of_the_labels(
    make_net, teacher, batch
):
    taught, *plain = [
        first_loss(make_net(), batch, *given) for given in ((teacher,), (teacher, 2, 0), (None,))
    ]
    assert plain[0] == pytest.approx(plain[1], rel=1e-6) and abs(taught - plain[0]) > 1e-3


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("ground", "blue", "red"), "'large' has the classes ground, blue, red, and 'tiny' has g"),
        (("sky", "road"), r"'large' has 2 classes \(sky, road\), and 'tiny' has 3 \(ground, red"),
    ],
)
def test_other_classes_are_refused_by_name(make_net, names, message):
    large = fcn_keras.Predictor(make_net(len(names)), LabelSet(names))
    with pytest.raises(ValueError, match=message):
        check_teacher(Teacher(large, "large"), make_net(), {None: tasks.Classes(NAMES)})


def test_what_gives_no_classes_is_refused(make_net):
    task = tasks.Regression("depth", unit="m")
    deep = fcn_keras.fcn32s(task, "vgg_slim", weights=None)
    wanted = {None: tasks.Classes(NAMES)}
    with pytest.raises(ValueError, match="the teacher 'large' has the task 'regression'"):
        check_teacher(Teacher(deep, "large"), make_net(), wanted)
    with pytest.raises(ValueError, match="the net 'tiny' has the outputs a, b"):
        check_teacher(Teacher(make_net(), "large"), make_net(), {"a": task, "b": task})
    nameless = Teacher(type("Labels", (), {"segment": lambda self, image: image})(), "large")
    with pytest.raises(ValueError, match="'large' does not tell its classes"):
        check_teacher(nameless, make_net(), wanted)
