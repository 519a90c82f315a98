"""Combining the class probabilities of several segmenters: their mean, product or maximum.

Needs NumPy alone, so that the command line knows the choices before it loads Keras.
"""

import functools

import numpy as np

TINY = np.finfo("float32").tiny


def mean(found):
    """Returns the average of arrays of one shape, float32; also of values of other tasks."""
    return (sum(found) / len(found)).astype("float32")


def product(found):
    """Returns the product of class probabilities, whose sum over the last axis is 1 again."""
    logs = sum(np.log(np.maximum(one, TINY)) for one in found)
    return normalized(np.exp(logs - logs.max(-1, keepdims=True)))


def highest(found):
    """Returns the highest of class probabilities, whose sum over the last axis is 1 again."""
    return normalized(functools.reduce(np.maximum, found))


def normalized(scores):
    """Returns scores divided by their sum over the last axis."""
    return scores / scores.sum(-1, keepdims=True)


HOW = {"mean": mean, "product": product, "max": highest}
DEFAULT = "mean"
