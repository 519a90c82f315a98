"""A step that does not fit into memory: the message says what to make smaller."""

import keras
import pytest
import tensorflow as tf

from fcn_keras.training import train


@pytest.mark.parametrize(
    "raised",
    [
        tf.errors.ResourceExhaustedError(None, None, "Graph execution error:\nOOM when allocating"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 3 bytes."),
        MemoryError("Unable to allocate 7 GiB"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_it_names_what_to_change(raised, make_net, shapes, tmp_path, monkeypatch):
    def fit(*arguments, **options):
        raise raised

    monkeypatch.setattr(keras.Model, "fit", fit)
    with pytest.raises(MemoryError) as refused:
        train(make_net(), shapes, out=tmp_path, batch_size=4, crop=(16, 24), epochs=1)
    text = str(refused.value)
    assert "4 crops of 16x24 at once" in text
    assert "--batch-size" in text and "--crop" in text and "--precision mixed" in text


def test_other_errors_pass(make_net, shapes, tmp_path, monkeypatch):
    def fit(*arguments, **options):
        raise RuntimeError("something else")

    monkeypatch.setattr(keras.Model, "fit", fit)
    with pytest.raises(RuntimeError, match="^something else$"):
        train(make_net(), shapes, out=tmp_path, crop=(16, 24), epochs=1)
