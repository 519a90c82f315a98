"""ConstrainedCNN: the net is drawn to the nearest distribution that keeps constraints."""

import math

import keras
import numpy as np
from keras import ops

from fcn_keras.losses.biased import BiasedLoss
from fcn_keras.losses.constrained_dual import multipliers
from fcn_keras.losses.constraints import (
    ROOM,
    SETS,
    Absent,
    Constraint,
    active_rows,
    contradiction,
)
from fcn_keras.losses.weak_base import FAR


@keras.saving.register_keras_serializable("fcn_keras")
class ConstrainedCNN(BiasedLoss):
    """Constrained CNN: linear constraints on the shares of the image that its classes cover.

    For each image P is the distribution of labels that keeps the constraints and is closest to the
    net's probabilities Q in Kullback-Leibler divergence. It is softmax(scores + s) with one shift
    s of each class for the whole image, which the convex dual gives in some Newton steps inside
    the graph. The loss is the mean of sum P log(P / Q) over the open pixels, averaged over the
    images; P is constant for the gradient. A net whose scores keep the constraints has shift 0 and
    loss 0.

    Args:
        constraints: `Absent`, `Present`, `Background`, `Size`, `Linear` objects; or "tags" for the
            paper's with tags, `(Absent(), Present(at_least=0.05, slack=2), Background(0.3, 0.7))`;
            or "sizes" for those with sizes, `(Absent(), Size(at_least=0.1),
            Background(0.2, 0.7))`.
        stride: Every how many pixels, along both axes, open pixels count. 4 costs a sixteenth;
            scores of a net change little over 4 pixels.
        ignore_class: value or values of void in label maps, or None; "auto" is 255, or 65535 for
            logits of more than 255 classes.
        name: name of the loss.

    Call arguments:
        y_true: as for `MILSoftmax`; with sizes 2 for the classes that are large.
        y_pred, sample_weight: as for `MILSoftmax`.

    Raises:
        ValueError: for what is no constraint, and shapes that do not fit. Bounds that contradict
            each other in an image make the loss NaN there; `require_feasible` names them.

    Example:

    >>> from fcn_keras.losses import Absent, Background
    >>> tags = np.array([[1, 1, 0]], "float32")
    >>> logits = np.log(np.array([[[[0.6, 0.4, 1e-9]]]], "float32"))
    >>> loss = ConstrainedCNN((Absent(), Background(0.3, 0.7)))
    >>> abs(round(float(loss(tags, logits)), 6))  # 0.6 of background: nothing to change
    0.0
    >>> loss = ConstrainedCNN((Absent(), Background(0.3, 0.5)))
    >>> round(float(loss(tags, logits)), 3)  # P = 0.5, 0.5
    0.02

    Source: Pathak, Krähenbühl, Darrell (2015), "Constrained Convolutional Neural Networks for
    Weakly Supervised Segmentation".
    """

    def __init__(self, constraints="tags", stride=4, ignore_class="auto", name="constrained"):
        super().__init__(stride, ignore_class, name)
        if isinstance(constraints, str) and constraints in SETS:
            constraints = SETS[constraints]
        listed = constraints if isinstance(constraints, (list, tuple)) else [constraints]
        self.constraints = tuple(
            keras.saving.deserialize_keras_object(one) if isinstance(one, dict) else one
            for one in listed
        )
        wrong = [one for one in self.constraints if not isinstance(one, Constraint)]
        if wrong or not self.constraints:
            raise ValueError(
                f"`constraints` must be one of {', '.join(map(repr, SETS))} or a list of "
                f"constraints such as Present(at_least=0.05), got {constraints!r}."
            )

    @property
    def leaves_out_absent(self):
        """Whether classes that an image is not tagged with have no pixel of it."""
        return any(isinstance(one, Absent) for one in self.constraints)

    def rows(self, num_classes):
        """Returns the inequalities of all constraints, a list of `Row`."""
        return [row for one in self.constraints for row in one.rows(num_classes)]

    def require_feasible(self, tags):
        """Raises ValueError if the constraints of an image contradict each other.

        Args:
            tags: (images, classes): 0 absent, 1 present, 2 large. Equal rows are looked at once.

        Raises:
            ValueError: naming the bounds and the tags.

        Example:

        ```python
        loss = fcn_keras.losses.ConstrainedCNN("tags")
        loss.require_feasible([[1, 1, 0], [1, 0, 0]])
        ```
        """
        tags = np.unique(np.asarray(tags), axis=0)
        rows = self.rows(tags.shape[-1])
        for one in tags:
            found = contradiction(rows, one > 0, one > 1, self.leaves_out_absent)
            if found:
                raise ValueError(
                    "These bounds contradict each other in an image with the classes "
                    f"{', '.join(map(str, np.flatnonzero(one)))}: {'; '.join(found)}."
                )

    def of_open(self, batch):
        wrong = self._contradictory(batch.present, batch.large)
        return super().of_open(batch) + ops.where(wrong, float("nan"), 0.0)

    def _contradictory(self, present, large):
        """Which images have bounds of single classes that contradict each other, bool (batch,)."""
        classes = present.shape[-1]
        rows = [row for row in self.rows(classes) if np.count_nonzero(row.weights) == 1]
        rows = [row for row in rows if math.isinf(row.slack)]
        if not rows:
            return ops.zeros_like(present[:, 0])
        holds = active_rows(rows, present, large, ops)
        low, high = [0.0] * classes, [1.0] * classes
        if self.leaves_out_absent:
            high = [ops.cast(present[:, label], "float32") for label in range(classes)]
        for number, row in enumerate(rows):
            label = int(np.flatnonzero(row.weights)[0])
            bound = row.bound / row.weights[label]
            if row.weights[label] > 0:
                low[label] = ops.where(holds[:, number], ops.maximum(low[label], bound), low[label])
            else:
                high[label] = ops.where(
                    holds[:, number], ops.minimum(high[label], bound), high[label]
                )
        apart = [a > b + ROOM for a, b in zip(low, high, strict=True)]
        wrong = ops.logical_or(sum(low) > 1 + ROOM, sum(high) < 1 - ROOM)
        for one in apart:
            wrong = ops.logical_or(wrong, one)
        return ops.logical_and(wrong, ops.any(present, -1))

    def possible_scores(self, batch):
        if self.leaves_out_absent:
            return super().possible_scores(batch)
        opened = ops.expand_dims(ops.logical_not(batch.labelled), -1)
        free = batch._replace(allowed=ops.logical_or(batch.allowed, opened))
        return super().possible_scores(free)

    def biases(self, batch):
        rows = self.rows(batch.logits.shape[-1])
        if not rows:
            return ops.zeros_like(batch.logits[:, 0, 0])
        weights = ops.convert_to_tensor(np.array([row.weights for row in rows], "float32"))
        return ops.matmul(self.multipliers(batch, rows), weights)

    def multipliers(self, batch, rows):
        """Returns the multiplier of each row for each image, float32 (batch, rows).

        Args:
            batch: A `WeakBatch`.
            rows: `Row`s, as `rows` returns them.
        """
        holds = active_rows(rows, batch.present, batch.large, ops)
        slacks = np.array([min(row.slack, -FAR) for row in rows], "float32")
        classes = batch.logits.shape[-1]
        scores = self.possible_scores(batch)
        pixels = (ops.shape(scores)[0], -1)
        return multipliers(
            ops.reshape(scores, (*pixels, classes)),
            ops.reshape(ops.cast(batch.counted, "float32"), pixels),
            ops.convert_to_tensor(np.array([row.weights for row in rows], "float32")),
            ops.convert_to_tensor(np.array([row.bound for row in rows], "float32")),
            ops.where(holds, ops.convert_to_tensor(slacks), 0.0),
        )

    def get_config(self):
        listed = [keras.saving.serialize_keras_object(one) for one in self.constraints]
        return {**super().get_config(), "constraints": listed}
