"""The model card of a run: README.md, with the head of YAML that the Hugging Face hub reads.

It says what the net is, what it was trained on and how, what it scores, what it costs, how it is
used, and under which licences data and weights are.
"""

import json
from dataclasses import dataclass

import keras

from fcn_keras.geometry import table
from fcn_keras.metrics.by_task import MONITORS
from fcn_keras.metrics.class_report import METRICS
from fcn_keras.metrics.depth_report import DepthReport, DepthScores
from fcn_keras.metrics.normals import NormalsReport
from fcn_keras.metrics.value_report import ValueReport
from fcn_keras.models import load_model, task_of
from fcn_keras.text_files import read_json, read_text
from fcn_keras.training.recipe import Recipe
from fcn_keras.training.run_folder import RunFolder
from fcn_keras.training.summary import recipe_lines

MARK = "<!-- written by fcn-keras card -->"
NOT_STATED = "not stated"
_FIGURES = {  # names in the files: titles
    name: title
    for title, name in (
        *METRICS,
        ("boundary F1", "boundary_f1"),
        *ValueReport.ERRORS[:2],
        *zip((title for title, _ in DepthReport.TITLES), DepthScores._fields, strict=True),
        ("within a factor of 1.25", "threshold_accuracy"),
        *((title, name) for title, name, _ in NormalsReport.SCORES),
        ("end-point error", "end_point_error"),
    )
}
_PIPELINES = {"depth": "depth-estimation"}  # words of the hub, for other tasks than classes
_SEGMENTATION = {"image-segmentation": ("semantic-segmentation",)}  # further tags
_COLUMNS = {
    "iou": "IoU",
    "accuracy": "accuracy",
    "truth_share": "share of truth",
    "boundary_f1": "boundary F1",
}


@dataclass(frozen=True)
class Licences:
    """What the user says about rights; None is shown as "not stated".

    Attributes:
        model: Licence of the trained net, such as "apache-2.0"; a word of the hub's list where it
            has one. It stands in the card's head.
        data: Licence of the images and masks.
        weights: Licence of the weights that the training started from.

    Example:

    ```python
    licences = fcn_keras.training.Licences("apache-2.0", data="CC BY-NC 4.0")
    fcn_keras.training.write_card("runs/street", licences=licences)
    ```
    """

    model: str | None = None
    data: str | None = None
    weights: str | None = None


def write_card(run, *, title=None, figures=None, licences=None, model=None, overwrite=False):
    """Writes the model card of a run, README.md in its folder.

    Args:
        run: The run folder, a path or a `RunFolder`.
        title: Heading and name of the model. Default: the folder's name.
        figures: JSON file of `fcn-keras evaluate RUN --json`, or what it holds, a dict: the
            figures of the card. None: those of the last validation in the training.
        licences: The `Licences`, or None.
        model: The run's Keras model where it is loaded already.
        overwrite: Whether to replace a README.md that was not written by this function.

    Returns:
        The path of README.md.

    Raises:
        FileNotFoundError: if the folder holds no run or no model.
        FileExistsError: if it holds a README.md of another origin and `overwrite` is not set.
        ValueError: for figures that are not those of an evaluation.

    Example:

    ```python
    fcn_keras.training.write_card("runs/street", licences=fcn_keras.training.Licences("apache-2.0"))
    ```

    Source: Mitchell et al. (2019), Model Cards for Model Reporting; the fields of the head are
    those of https://huggingface.co/docs/hub/model-cards.
    """
    folder = run if isinstance(run, RunFolder) else RunFolder(run)
    path = folder.card
    if path.exists() and not overwrite and MARK not in read_text(path):
        raise FileExistsError(
            f"{path} was written by someone else: move it away, or replace it (--overwrite, "
            "overwrite=True)."
        )
    text = model_card(folder, title=title, figures=figures, licences=licences, model=model)
    folder.write_card(text)
    return path


def model_card(run, *, title=None, figures=None, licences=None, model=None):
    """Returns the text of a run's model card; see `write_card`."""
    folder = run if isinstance(run, RunFolder) else RunFolder(run)
    config = folder.read_config()
    model = model or load_model(folder.model_path())
    licences = licences or Licences()
    title = title or folder.path.resolve().name
    kind = getattr(task_of(model), "kind", None)  # None of several outputs
    rows = folder.read_history() if folder.last.is_file() else []
    measured = _of_validation(config, rows) if figures is None else _of_evaluation(figures)
    sections = [
        _head(title, config, measured, licences, _PIPELINES.get(kind, "image-segmentation")),
        MARK,
        f"# {title}",
        _what_it_is(model, config),
        "## Use\n\n" + _use(kind),
        "## Data\n\n" + _data(config),
        "## Training\n\n" + _training(config, rows),
        "## Figures\n\n" + _figures(measured),
        "## Geometry and cost\n\n" + _geometry(model, config),
        "## Licences\n\n" + _licences(licences),
    ]
    return "\n\n".join(sections) + "\n"


def _of_evaluation(figures):
    """Returns {"scores", "classes", "on", "images", "options"} of an evaluation."""
    found = figures if isinstance(figures, dict) else read_json(figures)
    found = {**found, **found.get("pooled", {})}  # of depth, whose report has scores by image too
    scores = {name: found[name] for name in _FIGURES if _is_number(found.get(name))}
    if not scores:
        raise ValueError(
            f"{figures if not isinstance(figures, dict) else 'figures'} holds no figures of an "
            "evaluation: give the file of fcn-keras evaluate MODEL --data ... --json FILE."
        )
    data = found.get("data") or {}
    return {
        "scores": scores,
        "classes": found.get("classes") or [],
        "on": {"name": data.get("name"), "split": data.get("split")},
        "images": found.get("num_images"),
        "options": found.get("options") or {},
    }


def _of_validation(config, rows):
    """The figures of the epoch whose weights the card is about; {} for a run without validation."""
    data = config["data"]["val"]
    rows = [row for row in rows if any(name.startswith("val_") for name in row)]
    if not data or not rows:
        return {}
    best = rows[-1]
    for name, mode in MONITORS.values():
        if f"val_{name}" in best:
            best = {"max": max, "min": min}[mode](rows, key=lambda row, n=name: row[f"val_{n}"])
            break
    scores = {n: best[f"val_{n}"] for n in _FIGURES if _is_number(best.get(f"val_{n}"))}
    if not scores:
        return {}
    on = {"name": data["name"], "split": data["split"]}
    return {"scores": scores, "classes": [], "on": on, "images": data["images"], "options": {}}


def _head(title, config, measured, licences, pipeline):
    """The YAML head; every value is written as JSON, which is YAML too."""
    train = config["data"]["train"]
    fields = {
        "library_name": "keras",
        "pipeline_tag": pipeline,
        "tags": ["fcn_keras", *_SEGMENTATION.get(pipeline, ()), config["model"]["name"]],
        "datasets": [train["name"]],
    }
    if licences.model:
        fields["license"] = licences.model
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()]
    if measured:
        lines += ["model-index:", f"- name: {json.dumps(title, ensure_ascii=False)}", "  results:"]
        name = measured["on"]["name"] or "not stated"
        data = {"name": name, "type": name}
        if measured["on"]["split"]:
            data["split"] = measured["on"]["split"]
        lines += [f"  - task: {json.dumps({'type': pipeline})}", f"    dataset: {json.dumps(data)}"]
        lines.append("    metrics:")
        for metric, value in measured["scores"].items():
            entry = {"type": metric, "name": _FIGURES[metric], "value": round(value, 4)}
            lines.append(f"    - {json.dumps(entry)}")
    return "\n".join(["---", *lines, "---"])


def _what_it_is(model, config):
    net = config["recipe"].get("net") or {}
    over = f" over `{net['classifier']}`" if net.get("classifier") else ""
    name = net.get("model") or model.name
    task = task_of(model)
    if isinstance(task, dict):
        answer = f"the outputs {', '.join(task)} for each pixel"
    elif task.kind == "classes":
        names = f" ({', '.join(task.labels.names)})" if task.labels is not None else ""
        answer = f"one of {task.channels} classes for each pixel{names}"
    else:
        answer = f"{task.kind} for each pixel"
    weights = net.get("weights")
    start = f" It started from {weights!r} weights." if weights else ""
    return (
        f"`{name}`{over}: images of any size in, {answer}, at the image's own size. "
        f"{config['model']['parameters']:,} parameters. RGB values from 0 to 255 go in; the "
        f"classifier's own scaling is a part of the net.{start}"
    )


def _use(kind):
    answer, what = ("labels", "(H, W), uint8") if kind == "classes" else ("values", "float32")
    return (
        "```python\nimport fcn_keras\n\n"
        'segmenter = fcn_keras.load("this folder, or best.keras in it")\n'
        f'{answer} = segmenter.segment("photo.jpg")  # {what}\n```\n\n'
        "```sh\nfcn-keras predict RUN photo.jpg --out predictions\n"
        "fcn-keras export RUN --out serving/model        # TF Serving\n"
        "fcn-keras export RUN --out model.tflite         # phones\n```"
    )


def _data(config):
    lines = ["| | data set | split | images |", "|---|---|---|---:|"]
    for part, label in (("train", "training"), ("val", "validation")):
        if found := config["data"][part]:
            lines.append(f"| {label} | {found['name']} | {found['split']} | {found['images']:,} |")
    return "\n".join(lines)


def _training(config, rows):
    plan = Recipe.from_config(config["recipe"])
    named = f"Recipe `{plan.name}`, seed {plan.seed}" if plan.name else f"Seed {plan.seed}"
    batch = plan.batch_size * plan.accumulate
    steps = max(1, config["data"]["train"]["images"] // plan.batch_size)
    lines = [f"{named}, precision {config['model']['precision']}."]
    lines += [f"- {line}" for line in recipe_lines(plan, steps)]
    if rows:
        hours = sum(row["seconds"] for row in rows) / 3600
        took = f"{60 * hours:.0f} minutes" if hours < 2 else f"{hours:.1f} hours"
        lines.append(
            f"- trained {len(rows)} epochs in {took} on {config['model']['devices']} "
            f"device{'s' if config['model']['devices'] > 1 else ''}, {batch} images an update"
        )
    versions = config.get("versions", {})
    used = [f"{name} {versions[name]}" for name in ("fcn_keras", "keras") if name in versions]
    used.append(f"backend {versions.get('backend', keras.backend.backend())}")
    return "\n".join([lines[0], "", *lines[1:], f"- {', '.join(used)}"])


def _figures(measured):
    if not measured:
        return "Not measured: the training had no validation. Measure it: `fcn-keras evaluate`."
    on = measured["on"]
    where = f"`{on['name']}`, split `{on['split']}`" if on["name"] else "the data of the evaluation"
    count = f", {measured['images']:,} images" if measured["images"] else ""
    options = ", ".join(f"{key} {value}" for key, value in measured["options"].items())
    lines = [f"Measured on {where}{count}{f', with {options}' if options else ''}.", ""]
    names = list(measured["scores"])
    lines += [
        "| " + " | ".join(_FIGURES[name] for name in names) + " |",
        "|" + "---:|" * len(names),
        "| " + " | ".join(f"{measured['scores'][name]:.4f}" for name in names) + " |",
    ]
    if measured["classes"]:
        columns = [c for c in _COLUMNS if c in measured["classes"][0]]
        lines += ["", "| class | " + " | ".join(_COLUMNS[c] for c in columns) + " |"]
        lines.append("|---|" + "---:|" * len(columns))
        for row in measured["classes"]:
            cells = ["absent" if row[c] is None else f"{row[c]:.3f}" for c in columns]
            lines.append(f"| {row['name']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _geometry(model, config):
    size = tuple(config["recipe"].get("crop") or (256, 320))
    try:
        found = table(model, size)
    except ValueError as error:
        return f"Not computed: {error}"
    cost, net = found.text().splitlines()[-2:]
    return f"{cost}; {net}."


def _licences(licences):
    rows = [
        ("this net", licences.model),
        ("training data", licences.data),
        ("weights at the start", licences.weights),
    ]
    return "\n".join(
        ["| | licence |", "|---|---|", *(f"| {a} | {b or NOT_STATED} |" for a, b in rows)]
    )


def _is_number(value):
    return isinstance(value, (int, float)) and value == value
