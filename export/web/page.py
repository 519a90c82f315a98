"""The files of the page, made from template/, and its content security policy."""

import html
import json
from pathlib import Path

from fcn_keras.export.web import litert

TEMPLATE = Path(__file__).parent / "template"
INDEX, CONFIG, MODEL, RUNTIME = "index.html", "page.json", "model.tflite", "runtime"
NOTICE = """LiteRT.js, {packages}, by Google, under the Apache License 2.0:
https://www.apache.org/licenses/LICENSE-2.0
The files are those of the npm packages, except that core.js imports {loader} from its own folder.
"""


def policy(cdn):
    """Returns the content security policy: everything comes from the page's own site.

    Scripts run in a worker that the page makes from a blob, so that it inherits the policy. With
    `cdn` the runtime's files may be fetched from their folders on the CDN; they run as blobs too,
    after the browser has checked their hashes.
    """
    folders = [f"{litert.CDN}{package}/" for package in litert.packages()] if cdn else []
    blob = ["blob:"] if cdn else []
    rules = {
        "default-src": ["'none'"],
        "script-src": ["'self'", *blob, "'wasm-unsafe-eval'"],
        "worker-src": ["blob:"],
        "connect-src": ["'self'", *blob, *folders],
        "img-src": ["'self'"],
        "style-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in rules.items())


def page_files(title, labels, made, cdn):
    """Returns the files made from the template.

    Args:
        title: The page's heading.
        labels: The `LabelSet`.
        made: How the model was made, as `contents.read` returns it.
        cdn: Whether the runtime comes from the CDN.

    Returns:
        {name: bytes}.
    """
    files = {path.name: path.read_bytes() for path in sorted(TEMPLATE.iterdir())}
    text = files[INDEX].decode()
    for mark, value in (("{{title}}", title), ("{{policy}}", policy(cdn))):
        text = text.replace(mark, html.escape(value))
    files[INDEX] = text.encode()
    files[CONFIG] = json.dumps(_config(labels, made, cdn), indent=1).encode()
    return files


def runtime_beside(files):
    """Returns the files of the runtime for the page's folder, with a notice of their licence.

    Args:
        files: {name: bytes}, as `litert.runtime_files` returns them.
    """
    named, beside = f'from "{litert.LOADER}"'.encode(), b'from "./wasm-utils.js"'
    core = files["core.js"]
    if core.count(named) != 1:
        raise ValueError(f"core.js of {litert.CORE} does not import {litert.LOADER} once.")
    notice = NOTICE.format(packages=" and ".join(litert.packages()), loader=litert.LOADER)
    return {**files, "core.js": core.replace(named, beside), "NOTICE.txt": notice.encode()}


def _config(labels, made, cdn):
    return {
        "model": MODEL,
        "size": made["size"],
        "padding_pixel": made["padding_pixel"],
        "quantize": made["quantize"],
        "names": list(labels.names),
        "palette": [list(color) for color in labels.palette],
        "runtime": {name: _source(name, file, cdn) for name, file in litert.FILES.items()},
    }


def _source(name, file, cdn):
    if cdn:
        return {"url": file.address, "integrity": file.integrity}
    return {"url": f"{RUNTIME}/{name}"}
