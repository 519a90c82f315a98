"""The interface of everything that segments images: nets, exports, servers, post-processing."""

from typing import Protocol

import numpy as np

from fcn_keras.data.images.reader import ImageReader
from fcn_keras.geometry import Halo
from fcn_keras.labels import LabelSet
from fcn_keras.tasks import Task


class Segmenter(Protocol):
    """What segments images: the interface that evaluation, prediction and tiling work with.

    A class implements it wholly and names it as a base: `class Predictor(Segmenter)`. An object of
    yours that has only `segment(image)` is wrapped by `fcn_keras.inference.as_segmenter`, which
    every function that takes a model calls.

    For a net with several outputs `task`, `labels` and all results are dicts {output: ...}; for a
    net with several inputs an image is a dict {input: image}, and so is `channels`.

    Attributes:
        task: The `fcn_keras.tasks.Task` of the output, which says how it is decoded.
        labels: The `LabelSet` of classes. None for other tasks, and for classes whose number is
            unknown; in the latter case `task` is None too.
        halo: The `fcn_keras.geometry.Halo` that exact tiles need; None where it is not known or
            none is exact.
        size: (H, W) of the images that the net was made for, or None for any size. Images of
            another size are cut into windows, or refused with a ValueError.
        channels: Number of channels of an image; None where it is not known.
        image_reader: The `fcn_keras.data.ImageReader` of files: that of the training.

    Example:

    ```python
    segmenter = fcn_keras.inference.as_segmenter(model)
    segmenter.task.channels, segmenter.size
    ```
    """

    task: Task | None | dict[str, Task]
    labels: LabelSet | None | dict[str, LabelSet | None]
    halo: Halo | None
    size: tuple[int, int] | None
    channels: int | None | dict[str, int]
    image_reader: ImageReader = ImageReader()

    def segment(self, image, *, return_logits=False) -> np.ndarray | tuple:
        """Segments one image.

        Args:
            image: A path, a PIL image, or an array (H, W, channels) or (H, W) of 0-255; of a net of
                frames a tuple of these.
            return_logits: Also return the outputs of the net before they are decoded.

        Returns:
            The decoded map, of `task.dtype`: (H, W) labels of classes, (H, W) or (H, W, C) values
            of other tasks. With `return_logits` the pair with float32 (H, W, task.channels).

        Raises:
            ValueError: if the image cannot be used, or for `return_logits` where there are none.
        """
        ...

    def segment_batch(self, images, *, return_logits=False) -> np.ndarray | tuple:
        """Segments several images of one size.

        Args:
            images: A sequence of images as `segment` takes them, or one array
                (batch, H, W, channels).
            return_logits: As for `segment`.

        Returns:
            As `segment`, with a first axis for the images.

        Raises:
            ValueError: as `segment`, and for images of different sizes.
        """
        ...

    def probabilities(self, images) -> np.ndarray:
        """Returns the class probabilities of several images of one size.

        Args:
            images: As for `segment_batch`.

        Returns:
            float32 (batch, H, W, num_classes), which sums to 1 over the classes.

        Raises:
            ValueError: as `segment_batch`; for a task without probabilities, which the message
                names; and where there is nothing to compute them from.
        """
        ...
