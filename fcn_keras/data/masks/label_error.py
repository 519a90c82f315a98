"""The error of a target that holds what its task does not have."""


class LabelError(ValueError):
    """A target holds a value that its task does not have, such as a label that is no class.

    The message names the file, the value and the likely cause.

    Example:

    ```python
    try:
        fcn_keras.data.read_mask("parts/masks/0.png", fcn_keras.LabelSet(("belt", "washer")))
    except fcn_keras.data.LabelError as error:
        print(error)
    ```
    """
