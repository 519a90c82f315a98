"""Addresses of served models: `http://host:8501/v1/models/name`, `grpc://host/name`."""

import dataclasses
import re
from urllib.parse import quote, unquote, urlsplit

from fcn_keras.checks import whole_number

_SCHEMES = {"http": 8501, "https": 443, "grpc": 8500, "grpcs": 443}
_PATH = re.compile(
    r"/?(?:v1/models/)?(?P<model>[^/:]+)"
    r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?/?(?::predict)?"
)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
FORM = "http://host:8501/v1/models/NAME or grpc://host:8500/NAME"


@dataclasses.dataclass(frozen=True)
class Address:
    """The address of a served model: its server, its name, and a version or a label, or None."""

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
        """Whether the server speaks gRPC, and not REST."""
        return self.scheme.startswith("grpc")

    @property
    def is_loopback(self):
        """Whether the server is on this machine."""
        return self.host in _LOOPBACK

    @property
    def target(self):
        """The host and the port, as host:port."""
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
    """Returns whether a text is the address of a server, and not a path.

    Args:
        text: A str or a path; an address begins with http://, https://, grpc:// or grpcs://.

    Example:

    ```python
    from fcn_keras.export.serving.addresses import is_address

    assert is_address("grpc://localhost:8500/street") and not is_address("runs/street")
    ```
    """
    return bool(re.match(r"(https?|grpcs?)://", str(text)))


def parse_address(text, model=None, version=None, label=None):
    """Returns the `Address` that a text and the other arguments mean.

    Raises:
        ValueError: for another form, a missing model, or both a version and a label.
    """
    scheme, host, port, path = _parts(text)
    found = _PATH.fullmatch(path) if path.strip("/") else None
    if path.strip("/") and not found:
        raise ValueError(f"An address has the form {FORM}, got the path {path!r} in {text!r}.")
    given = {
        name: unquote(part) for name, part in (found.groupdict() if found else {}).items() if part
    }
    for name, value in (("model", model), ("version", version), ("label", label)):
        if value is not None:
            given[name] = value
    if "model" not in given:
        raise ValueError(f"{text} names no model: give {FORM}, or `model`.")
    if "version" in given and "label" in given:
        raise ValueError(
            f"Give a version or a label, not both, got version {given['version']} and "
            f"label {given['label']!r}."
        )
    if "version" in given:
        given["version"] = _version(given["version"])
    return Address(scheme, host, port, **given)


def _parts(text):
    """Scheme, host, port and path."""
    if not is_address(text):
        raise ValueError(f"An address has the form {FORM}, got {text!r}.")
    split = urlsplit(str(text))
    try:
        port = split.port
    except ValueError as error:
        raise ValueError(f"An address has the form {FORM}, got {text!r}: {error}.") from None
    if not split.hostname or split.query or split.fragment:
        raise ValueError(f"An address has the form {FORM}, got {text!r}.")
    return split.scheme, split.hostname, port or _SCHEMES[split.scheme], split.path


def _version(value):
    plain = isinstance(value, str) and re.fullmatch(r"\d+", value)
    return whole_number("version", int(value) if plain else value, 0)
