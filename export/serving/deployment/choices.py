"""What a deployment was asked for, checked."""

import dataclasses
import re

MOUNT = "/deploy"  # where the folder lies inside the container
REST_PORT, GRPC_PORT = 8501, 8500
METRICS = "/monitoring/prometheus/metrics"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_IMAGE = re.compile(r"[\w][\w./:@-]*")
_CPU = re.compile(r"\d+(\.\d+)?|\d+m")
_MEMORY = re.compile(r"\d+(\.\d+)?(Ki|Mi|Gi|Ti)")


@dataclasses.dataclass(frozen=True)
class Choices:
    """The options of `write_deployment`, as its files need them."""

    image: str
    max_batch_size: int | None
    batch_timeout_micros: int
    cpu: str
    memory: str
    replicas: tuple[int, int]
    poll: int

    def __post_init__(self):
        for field, pattern, such in (
            ("image", _IMAGE, "tensorflow/serving:latest-gpu"),
            ("cpu", _CPU, "2 or 500m"),
            ("memory", _MEMORY, "4Gi"),
        ):
            value = getattr(self, field)
            if not isinstance(value, str) or not pattern.fullmatch(value):
                raise ValueError(f"`{field}` is a text such as {such}; got {value!r}.")
        _check_number("max_batch_size", self.max_batch_size, 1, optional=True)
        _check_number("batch_timeout_micros", self.batch_timeout_micros, 0)
        _check_number("poll", self.poll, 1)
        if len(self.replicas) != 2 or not 1 <= self.replicas[0] <= self.replicas[1]:
            raise ValueError(
                f"`replicas` is the lowest and the highest number, such as (2, 6); "
                f"got {self.replicas!r}."
            )


def check_name(name):
    """Raises ValueError unless a model may be called so, in addresses and by Kubernetes."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            "A served model's name is of lower-case letters, digits and hyphens, at most 63, such "
            f"as street-8s; got {name!r}."
        )


def as_name(text):
    """A text as such a name: fcn8s_VGG16 becomes fcn8s-vgg16."""
    return re.sub(r"[^a-z0-9]+", "-", str(text).lower()).strip("-")[:63].strip("-") or "segmenter"


def _check_number(field, value, least, optional=False):
    if optional and value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"`{field}` is a whole number from {least}; got {value!r}.")
