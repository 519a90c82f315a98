"""Measures inference and training on an accelerator, as shares of its matrix-product rate.

    python benchmarks/gpu.py [--classifier vgg16] [--size 500x500] [--batches 1,16] [--json FILE]
    python benchmarks/gpu.py --data crops.npz --epochs 5       # also train on arrays

Needs Keras and JAX, no TensorFlow and no download. For float32 and bfloat16 and each batch size:
milliseconds of a forward pass and of a training step (SGD with momentum), and the share of the
device's own matrix-product rate in the same precision, measured in the same run. An .npz holds
`images`, uint8 (N, H, W, 3), and `labels`, uint8 (N, H, W), 255 for void.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402

import fcn_keras  # noqa: E402

CLASSES = 21
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def best_seconds(call, repeats):
    """Returns the seconds of the fastest of `repeats` calls after two warm-up calls."""
    for _ in range(2):
        jax.block_until_ready(call())
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - start)
    return min(times)


def product_rate(dtype, repeats, side):
    """Returns the operations per second of a square matrix product."""
    a, b = (jnp.ones((side, side), dtype) for _ in range(2))
    product = jax.jit(lambda a, b: a @ b)
    return 2 * side**3 / best_seconds(lambda: product(a, b), repeats)


def forward(model, images, repeats):
    """Returns the seconds of one forward pass of a batch on the device."""
    state = [[v.value for v in part] for part in (model.trainable_variables,
                                                  model.non_trainable_variables)]  # fmt: skip
    run = jax.jit(lambda state, x: model.stateless_call(*state, x, training=False)[0])
    return best_seconds(lambda: run(state, images), repeats)


def training_step(model, images, labels, repeats):
    """Returns the seconds of one training step on a batch on the device."""
    loss = fcn_keras.losses.CrossEntropy()
    optimizer = keras.optimizers.SGD(1e-4, momentum=0.9)
    optimizer.build(model.trainable_variables)

    def objective(trainable, rest, x, y):
        logits, rest = model.stateless_call(trainable, rest, x, training=True)
        return loss(y, logits), rest

    @jax.jit
    def step(trainable, rest, slots, x, y):
        gradient = jax.value_and_grad(objective, has_aux=True)
        (value, rest), gradients = gradient(trainable, rest, x, y)
        trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
        return value, trainable, rest, slots

    state = [
        [v.value for v in part]
        for part in (model.trainable_variables, model.non_trainable_variables, optimizer.variables)
    ]
    return best_seconds(lambda: step(*state, images, labels), repeats)


def measured(options, size):
    """Prints each measurement as a line and returns them as a list of dicts."""
    device = jax.devices()[0]
    print(f"device: {device.device_kind} ({device.platform}), JAX {jax.__version__}")
    print(f"FCN-8s/{options.classifier}, {size[0]}x{size[1]}, {CLASSES} classes")
    found = []
    for precision, policy in POLICIES.items():
        rate = product_rate(precision, options.repeats, options.product_side)
        print(f"{precision}: matrix product {rate / 1e12:.2f} TFLOP/s")
        keras.config.set_dtype_policy(policy)
        model = fcn_keras.fcn8s(CLASSES, options.classifier, weights=None)
        flops = fcn_keras.geometry.table(model, size).flops
        for batch in options.batches:
            images, labels = made_up(batch, size)
            for what, passes, seconds in (
                ("forward", 1, forward(model, images, options.repeats)),
                ("training step", 3, training_step(model, images, labels, options.repeats)),
            ):
                row = {
                    "device": device.device_kind,
                    "precision": precision,
                    "batch": batch,
                    "what": what,
                    "ms": 1e3 * seconds,
                    "share_of_product_rate": passes * batch * flops / seconds / rate,
                }
                print(
                    f"  batch {batch:3}  {what:14} {row['ms']:9.1f} ms  {row['ms'] / batch:8.1f} "
                    f"ms an image  {row['share_of_product_rate']:5.0%} of that rate",
                    flush=True,
                )
                found.append(row)
    keras.config.set_dtype_policy("float32")
    return found


def made_up(batch, size):
    """Returns random images and labels on the device."""
    rng = np.random.default_rng(0)
    images = jnp.asarray(rng.integers(0, 256, (batch, *size, 3)), "float32")
    return images, jnp.asarray(rng.integers(0, CLASSES, (batch, *size)), "uint8")


def trained(file, classifier, epochs):
    """Trains on the arrays of an .npz with `model.fit` and prints loss and mean IoU."""
    arrays = np.load(file)
    images, labels = arrays["images"], arrays["labels"]
    classes = max(2, int(labels[labels != 255].max()) + 1)
    model = fcn_keras.fcn8s(classes, classifier, weights=None)
    steps = epochs * -(-len(images) // 8)
    rate = keras.optimizers.schedules.CosineDecay(3e-3, steps)
    model.compile(
        keras.optimizers.AdamW(rate),
        fcn_keras.losses.CrossEntropy(),
        metrics=[fcn_keras.metrics.MeanIoU(classes)],
    )
    history = model.fit(images, labels, batch_size=8, epochs=epochs, verbose=2).history
    return {name: [float(v) for v in values] for name, values in history.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--classifier", default="vgg16")
    parser.add_argument("--size", default="500x500", help="HxW of the images")
    parser.add_argument("--batches", default="1,16", help="batch sizes, with commas")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--product-side", type=int, default=8192, help="side of the matrix product")
    parser.add_argument("--data", help="an .npz of images and labels to train on")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--json", help="also write the figures to this file")
    options = parser.parse_args()
    options.batches = [int(n) for n in options.batches.split(",")]
    found = {"speed": measured(options, tuple(int(n) for n in options.size.split("x")))}
    if options.data:
        found["history"] = trained(options.data, "vgg_slim", options.epochs)
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
