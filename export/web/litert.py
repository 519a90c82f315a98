"""LiteRT.js, which runs the net in the browser: its files, where they come from, their hashes.

A file is used only if its bytes are those that were tested.
"""

import base64
import hashlib
import os
import shutil
import subprocess
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from fcn_keras.progress import ProgressBar

VERSION = "2.5.3"
CORE, LOADER = "@litertjs/core", "@litertjs/wasm-utils"
LICENCE = "Apache-2.0"
CDN = "https://cdn.jsdelivr.net/npm/"
SECONDS = 60
PATIENCE = 600


@dataclass(frozen=True)
class File:
    """A file of an npm package: its path in it, and its hash in the form that browsers check."""

    package: str
    path: str
    integrity: str

    @property
    def address(self):
        """The address on the CDN."""
        return f"{CDN}{self.package}@{VERSION}/{self.path}"

    def check(self, content, source):
        """Returns the content if it is that of the file that was tested.

        Raises:
            ValueError: if it is not.
        """
        found = integrity(content)
        if found != self.integrity:
            raise ValueError(
                f"{source} is not the {self.path} of {self.package} {VERSION}: its hash is "
                f"{found}, and should be {self.integrity}."
            )
        return content


FILES = {
    "core.js": File(
        CORE,
        "dist/index.js",
        "sha384-MapSVJ/DPwvaWpp7q+Bid9O3uY1oB0KOU1QRMP+Mm5zdz5oMme/BUyX6dVAMWnPg",
    ),
    "wasm-utils.js": File(
        LOADER,
        "dist/index.js",
        "sha384-HIPwlWsctS5BRqrnvJKDVJ8SvqKB0QmiImdr6+hpP7+8UqeMJX/qrBkdfKQV2WZ/",
    ),
    "litert_wasm_internal.js": File(
        CORE,
        "wasm/litert_wasm_internal.js",
        "sha384-NB/Wc4iozynQO5jzJ2VFoMKbqMvwwFGWxJL/o63IJT6W2JfZbsSLxA2cF6H/mLpQ",
    ),
    "litert_wasm_internal.wasm": File(
        CORE,
        "wasm/litert_wasm_internal.wasm",
        "sha384-AZ/Ak4CbDpjqpSr8WsnoL3Dcx6bDFA/k9b/jahok1TGHZ2OqIRjLBMiEmiNedhlC",
    ),
    "litert_wasm_compat_internal.js": File(
        CORE,
        "wasm/litert_wasm_compat_internal.js",
        "sha384-oh4nb8zDq6eVOpGeZE5gwDOJ16QujHLL8k/HEXt3XiPxr+8zn3YnkXP8P3BlJET1",
    ),
    "litert_wasm_compat_internal.wasm": File(
        CORE,
        "wasm/litert_wasm_compat_internal.wasm",
        "sha384-glAZ6WjS7tLRt89pbTPXvLC1c7DCaVSfL2ngn5gZJiUuPs76fWYJy7ZeFaD0PJXx",
    ),
}


def integrity(content):
    """Returns the hash of bytes in the form of subresource integrity: sha384- and base64."""
    return "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()


def runtime_files(folder=None):
    """Returns the contents of `FILES`, each checked.

    They come from `folder` if it is given, else from the user's cache. If they are not in the
    cache, they are fetched with npm, from its registry and through its proxies, or from the CDN if
    there is no npm.

    Args:
        folder: A `node_modules` folder with the two packages.

    Returns:
        {name: bytes}.

    Raises:
        FileNotFoundError: if `folder` lacks one of them.
        ValueError: if a file is not the one that was tested.
        ConnectionError: if they could not be fetched.
    """
    if folder is not None:
        return {name: _installed(file, Path(folder)) for name, file in FILES.items()}
    cache = cache_folder()
    found = _cached(cache)
    if found is None:
        found = _fetched()
        for name, content in found.items():
            _keep(cache / name, content)
    return found


def cache_folder():
    """Returns the folder of fetched files, in XDG_CACHE_HOME, LOCALAPPDATA or ~/.cache."""
    given = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    root = Path(given) if given else Path.home() / ".cache"
    return root / "fcn_keras" / f"litertjs-{VERSION}"


def packages():
    """Returns the packages with their versions, as arguments of npm."""
    return [f"{name}@{VERSION}" for name in (CORE, LOADER)]


def _installed(file, folder):
    path = folder / file.package / file.path
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no {path}. `runtime` must be a node_modules folder, as "
            f"`npm install {' '.join(packages())}` makes it."
        )
    return file.check(path.read_bytes(), path)


def _cached(cache):
    """The files in the cache; None if one is missing or damaged."""
    try:
        return {name: file.check((cache / name).read_bytes(), name) for name, file in FILES.items()}
    except (OSError, ValueError):
        return None


def _fetched():
    failures = []
    for fetch in (_from_npm, _from_cdn):
        try:
            return fetch()
        except OSError as error:
            failures.append(str(error))
    raise ConnectionError(
        f"The page's runtime, {' and '.join(packages())} ({LICENCE}), could not be fetched: "
        f"{'; '.join(failures)}. Let the page load it from the CDN (--cdn, cdn=True), or give a "
        f"node_modules folder that `npm install {' '.join(packages())}` made elsewhere "
        "(--runtime DIR, runtime=DIR)."
    )


def _from_npm():
    npm = shutil.which("npm")
    if npm is None:
        raise OSError("there is no npm")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        command = [npm, "install", "--prefix", folder, "--no-save", "--ignore-scripts"]
        command += ["--no-audit", "--no-fund", "--fetch-retries=1", "--loglevel=error"]
        command += packages()
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE
            )
        except subprocess.TimeoutExpired as error:
            raise OSError(f"npm gave no answer in {PATIENCE} s") from error
        if done.returncode:
            said = " ".join(done.stderr.split())[:300] or f"exit code {done.returncode}"
            raise OSError(f"npm says: {said}")
        return runtime_files(Path(folder) / "node_modules")


def _from_cdn():
    found = {}
    with ProgressBar(len(FILES), "file of the runtime") as bar:
        for name, file in FILES.items():
            try:
                with urllib.request.urlopen(file.address, timeout=SECONDS) as answer:
                    content = answer.read()
            except OSError as error:
                raise OSError(f"{file.address}: {getattr(error, 'reason', error)}") from error
            found[name] = file.check(content, file.address)
            bar.step()
    return found


def _keep(path, content):
    """Writes a file into the cache, whole or not at all; does nothing if it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as aside:
            aside.write(content)
        os.replace(aside.name, path)
    except OSError:
        return
