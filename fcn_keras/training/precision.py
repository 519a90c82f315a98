"""Mixed precision: 16-bit multiplications, 32-bit weights, where the device is faster that way."""

import keras


def set_precision(mixed):
    """Sets Keras's dtype policy for the models built from now on.

    Args:
        mixed: False for float32. True for "mixed_float16" on GPUs (Keras scales the loss) and
            "mixed_bfloat16" elsewhere, which CPUs with AMX or AVX512-BF16 and TPUs multiply
            faster. Logits, loss and metrics are float32 in any case.

    Returns:
        The policy's name.

    Example:

    ```python
    fcn_keras.training.set_precision(mixed=True)
    model = fcn_keras.fcn8s(21, "resnet50", weights=None)
    ```
    """
    name = "float32"
    if mixed:
        name = "mixed_float16" if keras.distribution.list_devices("gpu") else "mixed_bfloat16"
    keras.config.set_dtype_policy(name)
    return name
