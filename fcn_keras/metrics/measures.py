"""What the reports of classes and of depth may measure, each declared once.

`fcn_keras.evaluate` takes these by keyword and `fcn-keras evaluate` as options. Needs no Keras.
"""

import dataclasses
from dataclasses import dataclass

from fcn_keras.checks import positive
from fcn_keras.options import declared, option

PANEL = "Measures"
LEAST_DEPTH = 1e-3


def _depth(name, value):
    return None if value is None else positive(name, value)


@dataclass(frozen=True)
class Measures:
    """What a `ClassReport` measures beside the four metrics.

    Attributes:
        boundary: Whether the boundary F1 measure is computed, at the published tolerance (see
            `fcn_keras.metrics.BoundaryF1`).
        instances: Whether objects are counted and compared (see
            `fcn_keras.metrics.InstanceMetric`): the instances of the dataset where it has instance
            masks, else connected components; of every class but one named background.
        connectivity: For `instances`: 4 or 8, the neighbours of a pixel in its object.
        min_area: For `instances`: the number of pixels below which an object is left out.
        membranes: Name or number of the class of membranes, or None: V-Rand and V-Info of the
            regions between them are computed, with and without thinning (see
            `fcn_keras.metrics.rand_score`). It needs probabilities.

    Raises:
        ValueError: for an impossible value, or `connectivity` and `min_area` without `instances`.

    Example:

    >>> Measures(instances=True, min_area=20).connectivity
    4
    """

    boundary: bool = option(False, "Also measure the boundary F1 score.", panel=PANEL)
    instances: bool = option(
        False,
        "Also count objects and compare them: the dataset's instances, or connected components.",
        panel=PANEL,
    )
    connectivity: int = option(
        4, "Neighbours of a pixel in its object, for --instances.", choices=(4, 8), panel=PANEL
    )
    min_area: int = option(
        1,
        "Pixels below which an object is left out, for --instances.",
        metavar="PIXELS",
        least=1,
        panel=PANEL,
    )
    membranes: str | int | None = option(
        None,
        "Class of membranes: also measure V-Rand and V-Info of the regions between them.",
        metavar="CLASS",
        panel=PANEL,
        kind=str,
        check=lambda name, value: value,
    )

    def __post_init__(self):
        for name, one in declared(Measures).items():
            one.checked(name, getattr(self, name))
        for field in dataclasses.fields(self):
            of_objects = field.name in ("connectivity", "min_area") and not self.instances
            if of_objects and getattr(self, field.name) != field.default:
                raise ValueError(
                    f"`{field.name}` is for objects: it goes with instances=True (--instances)."
                )


@dataclass(frozen=True)
class DepthMeasures:
    """Which pixels a `DepthReport` compares.

    Attributes:
        eigen_crop: Whether only rows 20 to 459 and columns 24 to 615 of maps of 480x640 are
            compared, as NYUDv2 is evaluated since Eigen, Puhrsch and Fergus (2014).
        min_depth: Truths below are left out, and predictions below are raised to it; in the unit.
        max_depth: Truths above are left out, and predictions above are lowered to it, or None.

    Raises:
        ValueError: for an impossible value, or a `max_depth` that is not above `min_depth`.

    Example:

    >>> DepthMeasures(eigen_crop=True, max_depth=10).min_depth
    0.001
    """

    eigen_crop: bool = option(
        False, "Of depth maps of 480x640 compare Eigen's crop alone.", panel=PANEL
    )
    min_depth: float = option(
        LEAST_DEPTH,
        "Least depth that is compared; predictions below are raised to it.",
        metavar="UNITS",
        check=_depth,
        panel=PANEL,
    )
    max_depth: float | None = option(
        None,
        "Largest depth that is compared; predictions above are lowered to it.",
        metavar="UNITS",
        check=_depth,
        panel=PANEL,
    )

    def __post_init__(self):
        for name, one in declared(DepthMeasures).items():
            one.checked(name, getattr(self, name))
        if self.max_depth is not None and self.max_depth <= self.min_depth:
            raise ValueError(
                f"`max_depth` must be above `min_depth`, {self.min_depth:g}, got "
                f"{self.max_depth:g}."
            )


@dataclass(frozen=True)
class BoundaryMeasures:
    """How a `BoundaryReport` measures.

    Attributes:
        thresholds: Number of thresholds; 99 is the Berkeley benchmark, 33 costs a third.

    Raises:
        ValueError: for a number below 1.

    Example:

    >>> BoundaryMeasures().thresholds
    99
    """

    thresholds: int = option(
        99,
        "Thresholds of boundary probabilities: 99 is the Berkeley benchmark, 33 costs a third.",
        metavar="N",
        least=1,
        panel=PANEL,
    )

    def __post_init__(self):
        for name, one in declared(BoundaryMeasures).items():
            one.checked(name, getattr(self, name))


KINDS = (Measures, DepthMeasures, BoundaryMeasures)


def declared_measures():
    """Returns {name: Option} of what all reports may measure."""
    return {name: one for kind in KINDS for name, one in declared(kind).items()}


def check_measures(measures):
    """Raises ValueError for a value that no report can have.

    Args:
        measures: {name: value}.
    """
    for kind in KINDS:
        kind(**{name: measures[name] for name in declared(kind) if name in measures})
