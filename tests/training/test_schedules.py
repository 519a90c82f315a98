"""Learning rates against their formulas, and through saving."""

import keras
import numpy as np
import pytest

from fcn_keras.training import PolyDecay, schedule

pytestmark = pytest.mark.backend


def rates(made, steps):
    return np.array([float(made(step)) for step in steps])


def test_cosine_after_a_warmup():
    made = schedule("cosine", 0.1, 110, warmup_steps=10)
    np.testing.assert_allclose(rates(made, range(10)), 0.1 * (np.arange(10) + 1) / 11, rtol=1e-5)
    late = np.arange(10, 110)
    expected = 0.05 * (1 + np.cos(np.pi * (late - 10) / 100))
    np.testing.assert_allclose(rates(made, late), expected, rtol=1e-4, atol=1e-8)


def test_poly_after_a_warmup():
    made = schedule("poly", 0.1, 110, warmup_steps=10)
    np.testing.assert_allclose(rates(made, range(10)), 0.1 * (np.arange(10) + 1) / 11, rtol=1e-5)
    late = np.arange(10, 110)
    np.testing.assert_allclose(
        rates(made, late), 0.1 * (1 - (late - 10) / 100) ** 0.9, rtol=1e-4, atol=1e-8
    )


def test_steps_divide_the_rate_by_ten_at_each_drop():
    made = schedule("step", 1e-3, 6000, drops=(1 / 3, 2 / 3))
    found = rates(made, [0, 1999, 2000, 3999, 4000, 5999])
    np.testing.assert_allclose(found, [1e-3, 1e-3, 1e-4, 1e-4, 1e-5, 1e-5], rtol=1e-5)
    found = rates(schedule("step", 1.0, 900), [599, 600, 799, 800])
    np.testing.assert_allclose(found, [1, 0.1, 0.1, 0.01], rtol=1e-5)


@pytest.mark.parametrize("warmup", [0, 7])
def test_constant(warmup):
    made = schedule("constant", 0.3, 50, warmup_steps=warmup)
    np.testing.assert_allclose(rates(made, [warmup, 30, 49, 1000]), 0.3, rtol=1e-6)


@pytest.mark.parametrize("name", ["cosine", "poly"])
def test_the_end_is_zero_and_stays_there(name):
    np.testing.assert_allclose(rates(schedule(name, 1.0, 20), [20, 21, 500]), 0, atol=1e-7)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="'cosine', 'poly', 'step', 'constant', got 'line'"):
        schedule("line", 0.1, 10)


def test_poly_is_serializable():
    optimizer = keras.optimizers.AdamW(PolyDecay(0.1, 100, power=0.7, warmup_steps=3))
    config = keras.saving.serialize_keras_object(optimizer)
    again = keras.saving.deserialize_keras_object(config)._learning_rate
    assert again.get_config() == PolyDecay(0.1, 100, 0.7, 3).get_config()
