"""The clients over REST need no TensorFlow."""

import sys

import keras
import pytest

from fcn_keras.export import serving


@pytest.mark.backend
@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="TensorFlow is there")
def test_a_request_is_made():
    with pytest.raises(serving.ServerError) as caught:
        serving.Client("http://127.0.0.1:1/street", retries=0).status()
    assert caught.value.code == "UNAVAILABLE"
    assert "tensorflow" not in sys.modules
