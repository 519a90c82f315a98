"""weaken: a dataset of masks as one of tags, sizes, boxes, points or scribbles."""

import zlib
from dataclasses import dataclass, field

import numpy as np

from fcn_keras.checks import number, one_of, whole_number
from fcn_keras.data.dataset import Dataset
from fcn_keras.data.weak.boxes import boxes_around, painted
from fcn_keras.data.weak.marks import marked, point, scribble
from fcn_keras.data.weak.regions import background_of, objects_in
from fcn_keras.data.weak.relabelled import RelabelledDataset

FORMS = ("tags", "sizes", "boxes", "points", "scribbles")
PRESENT, LARGE = 1, 2  # values of tags; 0 is absent


@dataclass(frozen=True)
class WeakDataset(RelabelledDataset):
    """The images of a dataset with weak labels that are made from its masks. `weaken` makes it.

    Its target is a label map: boxes painted as rectangles, points or scribbles with void
    everywhere else, void alone for tags and sizes.

    Attributes:
        full: The `Dataset` of the masks.
        form: "tags", "sizes", "boxes", "points" or "scribbles".
        seed, background, smallest, radius, length, large: As `weaken` takes them.

    Example:

    ```python
    digits = fcn_keras.data.load("digits", split="val")
    data = fcn_keras.data.weaken(digits, to="boxes")
    print(data.read_tags(0), data.read_boxes(0))
    ```
    """

    form: str = field(default="points", kw_only=True)
    seed: int = field(default=0, kw_only=True)
    background: bool = field(default=True, kw_only=True)
    smallest: int = field(default=16, kw_only=True)
    radius: int = field(default=2, kw_only=True)
    length: float = field(default=1.0, kw_only=True)
    large: float = field(default=0.1, kw_only=True)

    def __post_init__(self):
        """Checks the options; the examples were checked where the masks are."""
        one_of("to", self.form, FORMS)
        whole_number("seed", self.seed, least=0)
        whole_number("smallest", self.smallest)
        whole_number("radius", self.radius, least=0)
        number("length", self.length, most=1)
        number("large", self.large, most=1)
        self._set(_known={})

    def relabelled(self, label, index):
        """Returns the weak labels of example `index` as a label map.

        Args:
            label: Its mask.
            index: Its index.
        """
        found, ignore = self._found(index, label), self.labels.ignore
        if self.form == "boxes":
            outside = 0 if self.background else ignore
            return painted(found["boxes"], label.shape, outside, label.dtype)
        marks = np.full(label.shape, ignore, label.dtype)
        places, values = found["marks"]
        marks.reshape(-1)[places] = values
        return marks

    def read_tags(self, index):
        """Returns which classes example `index` has.

        Returns:
            uint8 (num_classes,): 0 absent, 1 present; of sizes 2 where the class covers more than
            the share `large` of the image.
        """
        return self._found(index)["tags"]

    def read_boxes(self, index):
        """Returns the boxes of the objects of example `index`, a list of `Box`."""
        return self._found(index)["boxes"]

    def read_alternatives(self, index):
        """Returns which classes pixels may have; see `Dataset.read_alternatives`."""
        tags = self.read_tags(index)
        alternatives = np.stack([tags, np.zeros_like(tags)])
        if self.form == "boxes":
            alternatives[1, 0] = self.background
        return alternatives

    def _found(self, index, label=None):
        """What is kept of example `index`: {"tags", "boxes", "marks"}; the mask is read once."""
        if index not in self._known:
            label = self.full.read_target(index) if label is None else label
            self._known[index] = self._look(index, label)
        return self._known[index]

    def _look(self, index, label):
        ignore = self.labels.ignore
        objects = objects_in(
            label,
            self.full.read_objects(index),
            ignore,
            background=self.background,
            smallest=self.smallest,
        )
        regions = [*objects, *(background_of(label) if self.background else [])]
        found = {"tags": self._tags(label), "boxes": boxes_around(objects)}
        rng = np.random.default_rng([self.seed, zlib.crc32(self.names[index].encode())])
        draw = {
            "points": lambda mask: point(mask, rng, self.radius),
            "scribbles": lambda mask: scribble(mask, rng, self.length),
        }.get(self.form)
        marks = marked(label, regions, ignore, draw) if draw else np.full_like(label, ignore)
        places = np.flatnonzero(marks != ignore).astype("int32")
        return {**found, "marks": (places, marks.reshape(-1)[places])}

    def _tags(self, label):
        """The tags of a mask, uint8 (num_classes,)."""
        count = self.labels.num_classes
        pixels = np.bincount(label[label != self.labels.ignore], minlength=count)
        tags = np.where(pixels > 0, PRESENT, 0).astype("uint8")
        if self.form == "sizes":
            tags[pixels > self.large * label.size] = LARGE
        return tags


def weaken(dataset, to, *, seed=0, background=True, smallest=16, radius=2, length=1.0, large=0.1):
    """Returns a dataset with weak labels in place of its masks.

    Every method of weak supervision can so be compared with the full masks on any dataset. The
    labels are made when an example is first read. They follow from the seed, the example's name
    and its mask alone: the order of the examples and a selection of them change nothing.

    Args:
        dataset: A `Dataset` of classes.
        to: What is left of a mask:

            - "tags": which classes the image has.
            - "sizes": the tags, and whether a class covers more than the share `large` of the
              image.
            - "boxes": a rectangle around each object, painted, smaller over larger ones. An object
              is a connected part of a class, or what the masks number.
            - "points": a dot inside each object and one in the background, void elsewhere.
            - "scribbles": a line of 3 pixels through each object and one through the background,
              void elsewhere.
        seed: Seed of points and scribbles.
        background: Whether class 0 is the background, which has no boxes and one point or scribble
            an image. False: its connected parts are objects too, and outside the boxes is void.
        smallest: Objects with fewer pixels get no box, point or scribble.
        radius: Radius of the dots in pixels; 0 is a single pixel. Dots end at the object's border.
        length: Share of the length of scribbles that is drawn, from 0 to 1.
        large: Share of the image from which on a class is large.

    Returns:
        A `WeakDataset`: its target is a label map, `read_tags(index)` uint8 (num_classes,) and
        `read_boxes(index)` a list of `Box(label, top, left, bottom, right)`. Batches of points,
        scribbles and boxes hold label maps for any loss; batches of tags and sizes hold the
        classes that each pixel may have, uint8 (B, H, W, num_classes), for the losses of weak
        labels (`fcn_keras.data.pipeline.batches`, argument `allowed`).

    Raises:
        ValueError: for a dataset without classes, an unknown form, or impossible options.

    Example:

    ```python
    data = fcn_keras.data.load("digits", split="train")
    points = fcn_keras.data.weaken(data, to="points", seed=1)
    image, label = points[0]            # void (255) but for one dot in each digit
    boxes = fcn_keras.data.weaken(data, to="boxes").read_boxes(0)
    ```
    """
    if not isinstance(dataset, Dataset) or isinstance(dataset, WeakDataset):
        raise ValueError(
            f"`dataset` must be a fcn_keras.data.Dataset of masks, got a {type(dataset).__name__}."
        )
    if dataset.labels is None:
        raise ValueError(
            f"Weak labels are made from masks of classes; the task of {dataset.name} "
            f"({dataset.split}) is {dataset.task.kind!r}."
        )
    notes = (*dataset.notes, f"The masks were weakened to {to}, with seed {seed}.")
    return WeakDataset.of(
        dataset, notes=notes, form=to, seed=seed, background=background, smallest=smallest,
        radius=radius, length=length, large=large,
    )  # fmt: skip
