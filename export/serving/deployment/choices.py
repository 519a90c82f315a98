"""Options of a deployment, checked."""

import dataclasses
import re

from fcn_keras.checks import whole_number

MOUNT = "/deploy"  # the folder inside the container
REST_PORT, GRPC_PORT = 8501, 8500
METRICS = "/monitoring/prometheus/metrics"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_IMAGE = re.compile(r"[\w][\w./:@-]*")
_CPU = re.compile(r"\d+(\.\d+)?|\d+m")
_MEMORY = re.compile(r"\d+(\.\d+)?(Ki|Mi|Gi|Ti)")


@dataclasses.dataclass(frozen=True)
class Choices:
    """The options of `write_deployment` in the form that its files need."""

    image: str
    max_batch_size: int | None
    batch_timeout_micros: int
    cpu: str
    memory: str
    replicas: tuple[int, int]
    poll: int

    def __post_init__(self):
        for field, pattern, such in (
            ("image", _IMAGE, "'tensorflow/serving:latest-gpu'"),
            ("cpu", _CPU, "'2' or '500m'"),
            ("memory", _MEMORY, "'4Gi'"),
        ):
            value = getattr(self, field)
            if not isinstance(value, str) or not pattern.fullmatch(value):
                raise ValueError(f"`{field}` must be text such as {such}, got {value!r}.")
        if self.max_batch_size is not None:
            whole_number("max_batch_size", self.max_batch_size)
        whole_number("batch_timeout_micros", self.batch_timeout_micros, 0)
        whole_number("poll", self.poll)
        if len(self.replicas) != 2 or not 1 <= self.replicas[0] <= self.replicas[1]:
            raise ValueError(
                "`replicas` must be the lowest and the highest number, such as (2, 6), "
                f"got {self.replicas!r}."
            )


def check_name(name):
    """Raises ValueError for a name that addresses or Kubernetes do not allow for a model."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            "The name of a served model consists of at most 63 lower-case letters, digits and "
            f"hyphens, such as street-8s, got {name!r}."
        )


def as_name(text):
    """Returns a text as such a name: "fcn8s-vgg16" for "fcn8s_VGG16"."""
    return re.sub(r"[^a-z0-9]+", "-", str(text).lower()).strip("-")[:63].strip("-") or "segmenter"
