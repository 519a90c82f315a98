"""Writes the folder of a deployment: the models by version, and the files to start a server."""

import importlib.metadata
from pathlib import Path

from fcn_keras.export.saved_model import export_saved_model
from fcn_keras.export.saved_model.versions import versions_in
from fcn_keras.export.serving.deployment import compose, kubernetes, server_files
from fcn_keras.export.serving.deployment.choices import Choices, as_name, check_name


def export_serving(model, directory, name=None, version=None, labels=None, **options):
    """Exports a segmenter into a folder that TensorFlow Serving is deployed from.

    `export_saved_model` into `directory`/models/<name>/<version>, then `write_deployment`. The
    first version of a model is labelled stable; a further one becomes the canary beside it, until
    `write_deployment(directory, stable={name: version})` moves the label.

    Args:
        model: A Keras model, as for `export_saved_model`.
        directory: The folder; it is made if it is missing.
        name: The model's name in addresses, of lower-case letters, digits and hyphens. Default:
            the Keras model's.
        version: See `export_saved_model`.
        labels: See `export_saved_model`.
        **options: Options of `export_saved_model` (`signatures`, `warmup`, `max_side`,
            `precision`, ...) and of `write_deployment` (`image`, `cpu`, `memory`, ...).

    Returns:
        The version's folder, a `pathlib.Path`.

    Raises:
        ValueError: as these two functions, and for a name with other characters.
        RuntimeError: if TensorFlow is not installed.
        ImportError: if tensorflow-serving-api is not installed.

    Example:

    ```python
    from fcn_keras.export import serving

    folder = serving.export_serving(model, "deploy", "street")   # deploy/models/street/1
    ```

    Source: https://www.tensorflow.org/tfx/serving/serving_config
    """
    name = as_name(model.name) if name is None else name
    check_name(name)
    deployment = {key: options.pop(key) for key in _DEFAULTS.keys() & options.keys()}
    _choices(**{**_DEFAULTS, **deployment})
    directory = Path(directory)
    folder = export_saved_model(model, directory / "models" / name, version, labels, **options)
    write_deployment(directory, **deployment)
    return folder


def write_deployment(
    directory,
    *,
    stable=None,
    canary=None,
    image=None,
    max_batch_size=None,
    batch_timeout_micros=2000,
    cpu="2",
    memory="4Gi",
    replicas=(2, 6),
    poll=30,
):
    """Writes the files to start a server for `directory`/models/<name>/<version> with.

    - `models.config`: every model with all its versions, two of them labelled stable and canary.
      Labels in an existing file are kept. A server loads a new version by itself and moves the
      labels afterwards; it unloads a version whose folder is deleted.
    - `batching_parameters.txt`, used only with `max_batch_size`; `monitoring.config`.
    - `docker-compose.yml`: REST on 8501, gRPC on 8500, Prometheus, a health check.
    - `kubernetes/`: configuration, volume claim, deployment, service, autoscaler.

    Existing files are written again; models are not changed.

    Args:
        directory: The folder that holds models/.
        stable: {name: version} to label stable. Other models keep their label; a model without
            one gets it at its lowest version.
        canary: {name: version} to label canary; a version of None removes the label. Default: the
            highest version, if it is above the stable one.
        image: The container's image. Default: `tensorflow/serving` of the release whose API
            (tensorflow-serving-api) is installed.
        max_batch_size: Largest number of images that the server puts together from several
            requests. Use it only if all clients send images of one size to `serving_default`: TF
            Serving refuses requests of different sizes in one batch.
        batch_timeout_micros: Time that a request waits for others, in microseconds.
        cpu: Processors of one server, as Kubernetes writes them: "2", "500m".
        memory: Memory of one server, as Kubernetes writes it: "4Gi".
        replicas: The lowest and the highest number of servers in Kubernetes.
        poll: Seconds between two looks of the server for new versions and labels.

    Returns:
        The files written, a list of `pathlib.Path`.

    Raises:
        ValueError: if there is no model, a labelled version is missing, or an option has another
            value than the above.
        ImportError: if tensorflow-serving-api is not installed.

    Example:

    ```python
    from fcn_keras.export import serving

    kept = {"signatures": "serving_default", "warmup": None}
    serving.export_serving(model, "deploy", "street", **kept)       # 1, stable
    serving.export_serving(model, "deploy", "street", **kept)       # 2, canary
    serving.write_deployment("deploy", stable={"street": 2})        # 2 takes over
    ```

    Source: https://www.tensorflow.org/tfx/serving/serving_config
    """
    directory = Path(directory)
    choices = _choices(
        image=image,
        replicas=replicas,
        max_batch_size=max_batch_size,
        batch_timeout_micros=batch_timeout_micros,
        cpu=cpu,
        memory=memory,
        poll=poll,
    )
    models = _labelled(directory, stable or {}, canary or {})
    files = {
        server_files.MODELS_FILE: server_files.models_config(models),
        server_files.BATCHING_FILE: server_files.batching_parameters(choices),
        server_files.MONITORING_FILE: server_files.monitoring_config(),
    }
    manifests = kubernetes.manifests(choices, models, files)
    files[compose.FILE] = compose.compose_file(choices, models)
    files.update({f"kubernetes/{name}": text for name, text in manifests.items()})
    (directory / "kubernetes").mkdir(exist_ok=True)
    return [_write(directory / name, text) for name, text in files.items()]


_LABELS = ("stable", "canary")
_DEFAULTS = {k: v for k, v in write_deployment.__kwdefaults__.items() if k not in _LABELS}


def _choices(image, replicas, **others):
    if image is None:
        image = f"tensorflow/serving:{importlib.metadata.version('tensorflow-serving-api')}"
    return Choices(image=image, replicas=tuple(replicas), **others)


def _labelled(directory, stable, canary):
    """{name: {label: version}} of all models in the folder."""
    there = {
        folder.name: [v for v, f in versions_in(folder).items() if (f / "saved_model.pb").is_file()]
        for folder in sorted((directory / "models").glob("*"))
    }
    there = {name: versions for name, versions in there.items() if versions}
    if not there:
        raise ValueError(f"{directory}/models holds no model: write one with export_serving.")
    for name in {**stable, **canary}.keys() - there.keys():
        raise ValueError(f"{directory}/models has no model {name!r}; it has {', '.join(there)}.")
    file = directory / server_files.MODELS_FILE
    before = server_files.read_models_config(file.read_text(), file) if file.is_file() else {}
    return {
        name: _labels(name, versions, before.get(name, {}), stable, canary)
        for name, versions in there.items()
    }


def _labels(name, versions, before, stable, canary):
    """{label: version} of one model."""
    check_name(name)
    kept = {label: version for label, version in before.items() if version in versions}
    kept["stable"] = stable.get(name, kept.get("stable", versions[0]))
    highest = versions[-1] if versions[-1] > kept["stable"] else None
    kept["canary"] = canary.get(name, highest)
    labels = {label: version for label, version in kept.items() if version is not None}
    for label, version in labels.items():
        if version not in versions:
            known = ", ".join(map(str, versions))
            raise ValueError(
                f"Model {name!r} has no version {version} to label {label}; it has {known}."
            )
    return labels


def _write(path, text):
    """Writes a file elsewhere and moves it, so that a server never reads half of it."""
    aside = path.with_name(f".{path.name}.new")
    aside.write_text(text)
    aside.replace(path)
    return path
