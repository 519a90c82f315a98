"""The order of an image's axes: the nets have channels last, whatever keras.json says."""

import contextlib


@contextlib.contextmanager
def channels_last():
    """Within it Keras makes layers for channels last; also a decorator of builders.

    A layer keeps the order that it was made with, through `model.save` too.

    Example:

    ```python
    from fcn_keras.data_format import channels_last

    with channels_last():
        pool = keras.layers.MaxPooling2D()
    pool.data_format        # "channels_last"
    ```
    """
    import keras

    own = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_last")
    try:
        yield
    finally:
        keras.config.set_image_data_format(own)
