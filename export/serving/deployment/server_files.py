"""Writes the three files that TF Serving reads, in the text form of protocol buffers.

Source: https://www.tensorflow.org/tfx/serving/serving_config
"""

from google.protobuf import text_format

from fcn_keras.export.serving.deployment.choices import METRICS, MOUNT
from fcn_keras.export.serving.protocol import configuration

MODELS_FILE = "models.config"
BATCHING_FILE = "batching_parameters.txt"
MONITORING_FILE = "monitoring.config"


def models_config(models):
    """Returns the text of models.config, which serves all versions.

    A server refuses a configuration that moves a label to a version that it has not loaded, and it
    loads no version for a label. So the loaded versions must not depend on the labels.

    Args:
        models: {name: {label: version}}.
    """
    config = configuration().ModelServerConfig()
    for name, labels in sorted(models.items()):
        entry = config.model_config_list.config.add(
            name=name, base_path=f"{MOUNT}/models/{name}", model_platform="tensorflow"
        )
        entry.model_version_policy.all.SetInParent()
        for label, version in labels.items():
            entry.version_labels[label] = version
    return text_format.MessageToString(config)


def read_models_config(text, path):
    """Returns {name: {label: version}} of the text of a models.config.

    Raises:
        ValueError: if it is another text; the message names the path.
    """
    config = configuration().ModelServerConfig()
    try:
        text_format.Parse(text, config)
    except text_format.ParseError as error:
        raise ValueError(f"{path} is not a models.config of TensorFlow Serving: {error}") from error
    return {entry.name: dict(entry.version_labels) for entry in config.model_config_list.config}


def batching_parameters(choices):
    """Returns the text of batching_parameters.txt."""
    size = choices.max_batch_size or 8
    allowed = [n for n in (1, 2, 4, 8, 16, 32, 64, 128) if n < size] + [size]
    lines = [
        f"max_batch_size {{ value: {size} }}",
        f"batch_timeout_micros {{ value: {choices.batch_timeout_micros} }}",
        "max_enqueued_batches { value: 100 }",
        "num_batch_threads { value: 4 }",
        *(f"allowed_batch_sizes: {n}" for n in allowed),
    ]
    return "\n".join(lines) + "\n"


def monitoring_config():
    """Returns the text of monitoring.config."""
    return f'prometheus_config {{\n  enable: true\n  path: "{METRICS}"\n}}\n'


def arguments(choices, models_file, folder):
    """Returns the arguments of `tensorflow_model_server`."""
    words = [
        f"--model_config_file={models_file}",
        f"--model_config_file_poll_wait_seconds={choices.poll}",
        f"--file_system_poll_wait_seconds={choices.poll}",
        "--allow_version_labels_for_unavailable_models=true",
        f"--monitoring_config_file={folder}/{MONITORING_FILE}",
    ]
    if choices.max_batch_size is not None:
        words.append("--enable_batching=true")
        words.append(f"--batching_parameters_file={folder}/{BATCHING_FILE}")
    return words
