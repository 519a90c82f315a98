"""Where a model is served, out of one line: `http://host:8501/v1/models/name`, `grpc://host/name`."""

import dataclasses
import re
from urllib.parse import quote, unquote, urlsplit

_SCHEMES = {"http": 8501, "https": 443, "grpc": 8500, "grpcs": 443}
_PATH = re.compile(
    r"/?(?:v1/models/)?(?P<model>[^/:]+)"
    r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?/?(?::predict)?"
)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
FORMS = "http://host:8501/v1/models/NAME or grpc://host:8500/NAME"


@dataclasses.dataclass(frozen=True)
class Address:
    """A served model: its server, its name, and the version or label asked for, or None."""

    scheme: str
    host: str
    port: int
    model: str
    version: int | None = None
    label: str | None = None

    @property
    def secure(self):
        """Whether the connection is encrypted."""
        return self.scheme in ("https", "grpcs")

    @property
    def is_grpc(self):
        return self.scheme.startswith("grpc")

    @property
    def is_loopback(self):
        return self.host in _LOOPBACK

    @property
    def target(self):
        """host:port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def path(self):
        """The path of TensorFlow Serving's REST interface."""
        path = f"/v1/models/{quote(self.model, safe='')}"
        if self.version is not None:
            path += f"/versions/{self.version}"
        if self.label is not None:
            path += f"/labels/{quote(self.label, safe='')}"
        return path

    def __str__(self):
        path = self.path.removeprefix("/v1/models") if self.is_grpc else self.path
        return f"{self.scheme}://{self.target}{path}"


def is_address(text):
    """Whether a word of the command line means a server, and not a file.

    Args:
        text: Anything; only what begins with http://, https://, grpc:// or grpcs:// is an address.

    Returns:
        A bool.

    Example:

    ```python
    from fcn_keras.export.serving import is_address

    assert is_address("grpc://localhost:8500/street") and not is_address("runs/street")
    ```
    """
    return bool(re.match(r"(https?|grpcs?)://", str(text)))


def parse_address(text, model=None, version=None, label=None):
    """The `Address` that a line and the arguments beside it mean.

    Raises:
        ValueError: for another form, a missing model, or version and label at once.
    """
    scheme, host, port, path = _parts(text)
    found = _PATH.fullmatch(path) if path.strip("/") else None
    if path.strip("/") and not found:
        raise ValueError(f"An address is {FORMS}; got the path {path!r} in {text!r}.")
    given = {
        name: unquote(part) for name, part in (found.groupdict() if found else {}).items() if part
    }
    for name, value in (("model", model), ("version", version), ("label", label)):
        if value is not None:
            given[name] = value
    if "model" not in given:
        raise ValueError(f"{text} names no model: give {FORMS}, or `model`.")
    if "version" in given and "label" in given:
        raise ValueError(
            f"Ask for a version or for a label, not for both; got version {given['version']} and "
            f"label {given['label']!r}."
        )
    if "version" in given:
        given["version"] = _version(given["version"])
    return Address(scheme, host, port, **given)


def _parts(text):
    """Scheme, host, port and path."""
    if not is_address(text):
        raise ValueError(f"An address is {FORMS}; got {text!r}.")
    split = urlsplit(str(text))
    try:
        port = split.port
    except ValueError as error:
        raise ValueError(f"An address is {FORMS}; got {text!r}: {error}.") from None
    if not split.hostname or split.query or split.fragment:
        raise ValueError(f"An address is {FORMS}; got {text!r}.")
    return split.scheme, split.hostname, port or _SCHEMES[split.scheme], split.path


def _version(value):
    if isinstance(value, bool) or not re.fullmatch(r"\d+", str(value)):
        raise ValueError(f"`version` is a whole number from 0, or None; got {value!r}.")
    return int(value)
