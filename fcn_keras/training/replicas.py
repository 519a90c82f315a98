"""Training on several devices: what each batch, and each BatchNormalization, has to do for it.

With it the numbers are those of one device.
"""

import contextlib

import keras

from fcn_keras.training.every_layer import every_layer


def replicas(model):
    """The number of devices of this process among which a model's batches are divided."""
    if keras.backend.backend() == "tensorflow":
        return model.distribute_strategy.num_replicas_in_sync
    if keras.backend.backend() != "jax":
        return 1
    distribution = keras.distribution.distribution()
    if distribution is None:
        return 1
    return max(1, distribution.num_model_replicas // distribution.num_processes)


def strategy_scope(model):
    """The scope a model was built in: what belongs to it is to be created there."""
    if keras.backend.backend() != "tensorflow":
        return contextlib.nullcontext()
    return model.distribute_strategy.scope()


@contextlib.contextmanager
def synchronized_batch_norm(model):
    """Within it BatchNormalization uses the statistics of all devices' images together.

    Otherwise each of several TensorFlow devices normalizes its share of a batch by that share's
    own mean and variance. It is Keras's `synchronized=True` for the time of a training: the
    layers, and files saved meanwhile, stay as they are and load on any backend. `train` does
    this by itself. On JAX a batch is one array whatever it is spread over: nothing to do.

    Args:
        model: A Keras model.

    Example:

    ```python
    with fcn_keras.training.synchronized_batch_norm(model):
        model.fit(batches, epochs=10)
    ```

    Source: Peng et al. (2018), "MegDet", section 3.3.
    """
    layers = _unsynchronized(model)
    for layer in layers:
        layer.call = _synchronized(layer, layer.call)
    try:
        yield
    finally:
        for layer in layers:
            del layer.call
            layer.synchronized = False


def _unsynchronized(model):
    if keras.backend.backend() != "tensorflow":
        return []
    return [
        layer
        for layer in every_layer(model)
        if isinstance(layer, keras.layers.BatchNormalization) and not layer.synchronized
    ]


def _synchronized(layer, plain):
    def call(inputs, training=None, mask=None):
        layer.synchronized = True  # read while the step is traced; never saved
        try:
            return plain(inputs, training=training, mask=mask)
        finally:
            layer.synchronized = False

    return call


def check_divisible(plan, count):
    """Refuses what `count` devices cannot share with one device's numbers.

    Args:
        plan: A resolved `Recipe`.
        count: The number of devices.

    Raises:
        ValueError: for a batch that cannot be divided, or a summed loss on TensorFlow.
    """
    if plan.batch_size % count:
        less = plan.batch_size // count * count
        nearest = f"{less} or {less + count}" if less else f"{count}"
        raise ValueError(
            f"`batch_size` {plan.batch_size} cannot be divided among {count} devices; "
            f"{nearest} can."
        )
    if count > 1 and plan.normalization == "sum" and keras.backend.backend() == "tensorflow":
        raise ValueError(
            f"normalization='sum' on {count} devices would be the mean of their sums: train on "
            "one device, or with normalization='mean'."
        )


def filled_up(batches, count, void):
    """Batches whose size is a multiple of `count`: what lacks are images that are all void.

    They count in no mean and no metric. A device must not be left without an image: its mean
    over nothing would be NaN.

    Args:
        batches: A `tf.data.Dataset` of (images (B, H, W, 3), labels (B, H, W)).
        count: The number of devices.
        void: The label that means void.

    Returns:
        A `tf.data.Dataset`.
    """
    if count == 1:
        return batches
    import tensorflow as tf

    def fill(images, labels):
        lacking = -tf.shape(images)[0] % count
        shape = tf.concat([[lacking], tf.shape(labels)[1:]], 0)
        blank = tf.fill(shape, tf.cast(void, labels.dtype))
        copies = tf.repeat(images[:1], lacking, axis=0)
        return tf.concat([images, copies], 0), tf.concat([labels, blank], 0)

    return batches.map(fill)
