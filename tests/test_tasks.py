import numpy as np
import pytest

from fcn_keras import LabelSet, tasks

LABELS = LabelSet(("background", "egg"))


@pytest.mark.parametrize(
    "task",
    (
        tasks.Classes(LABELS),
        tasks.Classes(num_classes=300),
        tasks.Regression("distance", unit="px"),
        tasks.Regression("flow", channels=2, directed=True),
    ),
)
def test_a_task_survives_its_configuration(task):
    assert tasks.from_config(task.to_config()) == task


def test_a_task_in_a_message():
    assert str(tasks.Classes(LABELS)) == "2 classes (background, egg)"
    assert str(tasks.Classes(num_classes=300)) == "300 classes"
    many = tasks.Classes(LabelSet([f"c{number}" for number in range(150)]))
    assert str(many).startswith("150 classes (c0, c1, ") and str(many).endswith(", c11, ...)")
    assert str(tasks.Regression("distance", unit="px")) == "regression of distance in px"
    assert str(tasks.Regression("flow", channels=2)) == "regression of flow, 2 channels"


def test_classes_are_decoded_by_argmax():
    outputs = np.array([[[0.1, 2.0], [3.0, 2.9]]])
    np.testing.assert_array_equal(tasks.Classes(LABELS).decode(outputs), [[1, 0]])


def test_the_void_of_classes_is_invalid():
    task = tasks.Classes(LABELS)
    np.testing.assert_array_equal(task.valid([[0, 1, 255]]), [[True, True, False]])
    assert task.dtype == "uint8" and task.invalid == 255
    assert tasks.Classes(num_classes=300).invalid == 65535
    assert tasks.Classes(num_classes=300).dtype == "uint16"


def test_values_are_decoded_as_they_are():
    outputs = np.random.default_rng(0).normal(size=(2, 3, 4, 1)).astype("float32")
    np.testing.assert_array_equal(tasks.Regression().decode(outputs), outputs[..., 0])
    two = np.concatenate([outputs, outputs], -1)
    np.testing.assert_array_equal(tasks.Regression(channels=2).decode(two), two)


def test_a_pixel_is_valid_where_every_channel_is_known():
    target = np.array([[[1.0, np.nan], [2.0, 3.0]]])
    np.testing.assert_array_equal(tasks.Regression(channels=2).valid(target), [[False, True]])
    np.testing.assert_array_equal(tasks.Regression().valid([[np.nan, 0.0]]), [[False, True]])


@pytest.mark.parametrize(
    ("make", "said"),
    (
        (lambda: tasks.Classes(), "needs `labels`"),
        (lambda: tasks.Classes(num_classes=1), "at least 2, got 1"),
        (lambda: tasks.Classes(LABELS, 3), "has 2 classes"),
        (lambda: tasks.Regression(channels=0), "at least 1, got 0"),
        (lambda: tasks.Regression(directed=True), "at least 2, got 1"),
        (lambda: tasks.from_config({"kind": "smell"}), "'smell' is unknown; known are classes"),
    ),
)
def test_what_is_no_task_is_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_a_displacement_changes_with_its_image():
    flow = tasks.Regression("flow", channels=3, directed=True)
    turned = flow.turned(np.array([[[3.0, 0.0, 7.0]]]), 0.6, 0.8)  # clockwise: right becomes down
    np.testing.assert_allclose(turned, [[[1.8, 2.4, 7.0]]])
    assert tasks.Regression("depth").turned(5.0, 0.6, 0.8) == 5.0
    normal = tasks.Normals().turned(np.array([[[0.0, 0.8, 0.6]]]), 0.0, 1.0)  # up becomes right
    np.testing.assert_allclose(normal, [[[0.8, 0.0, 0.6]]])
    values = np.array([[[4.0, 6.0, 5.0], [np.nan, 1.0, 2.0]]])
    np.testing.assert_array_equal(flow.mirrored(values)[0, 0], [-4, 6, 5])
    np.testing.assert_array_equal(flow.scaled(values, (0.5, 2.0))[0, 0], [8, 3, 5])
    np.testing.assert_array_equal(flow.scaled(values, 0.5)[0], [[2, 3, 5], [np.nan, 0.5, 2]])
    plain = tasks.Regression(channels=3)
    assert plain.mirrored(values) is values and plain.scaled(values, 2) is values
