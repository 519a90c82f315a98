"""What the report of classes may measure beside the four metrics, each declared once.

`fcn_keras.evaluate` takes these by keyword and `fcn-keras evaluate` as options. Needs no Keras.
"""

import dataclasses
from dataclasses import dataclass

from fcn_keras.options import declared, option

PANEL = "Measures"


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
