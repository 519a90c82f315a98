"""Weight maps: a weight for each pixel, large where background is narrow between two objects."""

import math
from dataclasses import dataclass

import numpy as np

from fcn_keras.checks import number, positive
from fcn_keras.metrics.components import components, small_numbers

LARGEST = float(np.finfo("float16").max)
NEGLIGIBLE = 1e-4  # objects so far away that they would add less are left out


@dataclass(frozen=True)
class WeightMaps:
    """The weights of U-Net's loss: w(x) = w_c(x) + w0 exp(-(d1(x) + d2(x))^2 / (2 sigma^2)).

    w_c is the weight of the pixel's class; d1 and d2 are the distances to the nearest and the
    second nearest object. The second term is that of background pixels alone, so that a net learns
    the gaps between objects that nearly touch. The weight of void is 0.

    Attributes:
        w0: Largest weight of a gap.
        sigma: Width of the gaps in pixels: where d1 + d2 is sigma, the weight is 0.6 w0.
        class_weights: One number of at least 0 for each class, or None for 1 each.

    Raises:
        ValueError: for a negative `w0`, a `sigma` of 0 or less, or impossible class weights.

    Example:

    >>> label = np.array([[1, 1, 0, 0, 1, 255]], "uint8")
    >>> fcn_keras.data.WeightMaps(w0=10.0, sigma=5.0)(label).round(2)
    array([[1.  , 1.  , 9.35, 9.35, 1.  , 0.  ]], dtype=float32)

    Source: Ronneberger, Fischer, Brox (2015), "U-Net", section 3, equation 2.
    """

    w0: float = 10.0
    sigma: float = 5.0
    class_weights: tuple[float, ...] | None = None

    def __post_init__(self):
        number("w0", self.w0)
        positive("sigma", self.sigma)
        if self.class_weights is not None:
            if np.ndim(self.class_weights) != 1:
                raise ValueError(
                    "`class_weights` must be None or one number for each class, got "
                    f"{self.class_weights!r}. fcn_keras.data.class_weights computes them."
                )
            weights = tuple(number("class_weights", weight) for weight in self.class_weights)
            object.__setattr__(self, "class_weights", weights)

    def __call__(self, label, objects=None, ignore=None):
        """Returns the weight map of a label map. 512x512 pixels with 200 objects take 0.1 s.

        Args:
            label: whole numbers (H, W); class 0 is the background between the objects.
            objects: The number of the object that each pixel belongs to, (H, W), 0 for none.
                Default: the 4-connected components of each class but 0.
            ignore: The label that means void. Default: 255, or 65535 of uint16 maps.

        Returns:
            float32 (H, W).

        Raises:
            ValueError: for objects of another shape, or a label without a class weight.
        """
        label = np.asarray(label)
        if ignore is None:
            ignore = 65535 if label.dtype == np.uint16 else 255
        void = label == ignore
        if objects is None:
            objects = objects_of(label, ignore)
        elif objects.shape != label.shape:
            raise ValueError(
                f"`objects` must have the shape of the label map, {label.shape}, got "
                f"{objects.shape}."
            )
        weights = self._of_classes(np.where(void, 0, label))
        gaps = (label == 0) & (objects == 0)
        reach = math.sqrt(2 * math.log(max(self.w0 / NEGLIGIBLE, 1))) * self.sigma
        apart = distance_to_two(objects, reach)
        weights[gaps] += self.w0 * np.exp(-(apart[gaps] ** 2) / (2 * self.sigma**2))
        weights[void] = 0
        return weights

    def _of_classes(self, label):
        if self.class_weights is None:
            return np.ones(label.shape, "float32")
        if label.max(initial=0) >= len(self.class_weights):
            raise ValueError(
                f"`class_weights` has {len(self.class_weights)} values, but the label map holds "
                f"class {label.max()}."
            )
        return np.array(self.class_weights, "float32")[label]


def objects_of(label, ignore=255):
    """Returns the objects of a label map: the 4-connected components of each class but 0.

    Args:
        label: whole numbers (H, W).
        ignore: The label that means void.

    Returns:
        int32 (H, W): 1, 2, ... for the objects, 0 for class 0 and void.

    Example:

    >>> fcn_keras.data.weight_maps.objects_of(np.array([[1, 0, 1, 2, 255]]))
    array([[1, 0, 2, 3, 0]], dtype=int32)
    """
    label = np.asarray(label)
    objects = np.zeros(label.shape, "int32")
    for value in np.unique(label):
        if value not in (0, ignore):
            found = components(label == value)
            objects += np.where(found, found + objects.max(), 0).astype("int32")
    return objects


def distance_to_two(objects, reach):
    """Returns the distance to the nearest object plus that to the second nearest.

    Args:
        objects: int (H, W): the number of each pixel's object, 0 for none.
        reach: Distance in pixels up to which objects count.

    Returns:
        float32 (H, W), infinite where fewer than two objects are within reach.
    """
    from scipy import ndimage

    objects = small_numbers(np.asarray(objects))
    nearest, second = (np.full(objects.shape, np.inf, "float32") for _ in range(2))
    reach = math.ceil(reach)
    for value, box in enumerate(ndimage.find_objects(objects), 1):
        if box is None:
            continue
        box = tuple(slice(max(s.start - reach, 0), s.stop + reach) for s in box)
        distance = ndimage.distance_transform_edt(objects[box] != value).astype("float32")
        second[box] = np.minimum(second[box], np.maximum(nearest[box], distance))
        nearest[box] = np.minimum(nearest[box], distance)
    return nearest + second


def loader_with_weights(tf, dataset, load, weight_maps):
    """Returns `load(index) -> (image, target, weights)`, in which each map is computed once.

    Args:
        tf: TensorFlow.
        dataset: A `fcn_keras.data.Dataset` of classes.
        load: `load(index) -> (image, target)`.
        weight_maps: A `WeightMaps`. Its maps are kept as float16, which rounds a weight by a
            2000th of it.

    Raises:
        ValueError: for what is no `WeightMaps`, a dataset without classes, or class weights of
            another number.
    """
    _check(weight_maps, dataset)
    known = {}

    def weights_of(index):
        index = int(index)
        if index not in known:
            label, objects = dataset.read_target(index), dataset.read_objects(index)
            weights = weight_maps(label, objects, dataset.labels.ignore)
            known[index] = np.minimum(weights, LARGEST).astype("float16")
        return known[index]

    def load_all(index):
        image, target = load(index)
        with tf.control_dependencies([target]):  # a wrong target is refused before
            weights = tf.numpy_function(weights_of, [index], tf.float16)
        return image, target, tf.ensure_shape(weights, (None, None))

    return load_all


def _check(weight_maps, dataset):
    """Raises ValueError for what is no `WeightMaps` that fits the dataset."""
    if not isinstance(weight_maps, WeightMaps):
        raise ValueError(
            f"`weight_maps` must be a fcn_keras.data.WeightMaps or None, got {weight_maps!r}."
        )
    if dataset.labels is None:
        raise ValueError(
            f"`weight_maps` are for classes; the task of {dataset.name} ({dataset.split}) is "
            f"{dataset.task.kind!r}."
        )
    given = weight_maps.class_weights
    if given is not None and len(given) != dataset.labels.num_classes:
        raise ValueError(
            f"`class_weights` has {len(given)} values for {dataset.labels.num_classes} classes. "
            "Give one number for each class."
        )
