import numpy as np
import pytest

from fcn_keras import checks


def test_values_in_range_are_returned():
    assert checks.whole_number("steps", np.int64(3)) == 3
    assert checks.number("rate", np.float32(0.5), 0, 1) == 0.5
    assert checks.one_of("mode", "all", (False, True, "all")) == "all"


@pytest.mark.parametrize("value", (0, 1.0, True, "1", None))
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(ValueError, match="`steps` must be a whole number of at least 1, got"):
        checks.whole_number("steps", value)


def test_the_bounds_are_said():
    with pytest.raises(ValueError, match="`side` must be a whole number from 2 to 8, got 9"):
        checks.whole_number("side", 9, 2, 8)
    with pytest.raises(ValueError, match="`share` must be a number from 0 to 1, got 1.5"):
        checks.number("share", 1.5, 0, 1)


@pytest.mark.parametrize("value", (-1, float("nan"), float("inf"), True, "0.5"))
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match="`rate` must be a number of at least 0, got"):
        checks.number("rate", value)


def test_the_choices_are_listed():
    with pytest.raises(ValueError, match="`edge` must be one of 'zero', 'copy', got 'mirror'"):
        checks.one_of("edge", "mirror", ("zero", "copy"))
