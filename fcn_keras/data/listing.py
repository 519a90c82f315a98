"""The datasets and their options as a table, for the command line and the docs."""

import types

from fcn_keras.data import registry, tfds

TFDS = "tfds:NAME"
HEAD = ("dataset", "option", "what it sets")


def modules():
    """Returns {name: module with OPTIONS} of every dataset, that of TensorFlow Datasets last."""
    return {**registry.DATASETS, TFDS: tfds}


def written(name):
    """Returns how a dataset is named on the command line: "digits", "voc:DIR", "tfds:NAME"."""
    files = name != TFDS and registry.needs_folder(registry.DATASETS[name])
    return f"{name}:DIR" if files else name


def option_words(name, option):
    """Returns how an option is written after a comma: "binary", "year=N"."""
    if not option.value_name:
        return name
    optional = option.value_name.startswith("[")
    return f"{name}[={option.value_name[1:-1]}]" if optional else f"{name}={option.value_name}"


def rows():
    """Returns (dataset, option, help) of every option, a list of tuples of str.

    A dataset without options has one row of empty cells. Options that several datasets share are
    repeated.

    Example:

    ```python
    from fcn_keras.data.listing import rows

    [option for dataset, option, help in rows() if dataset == "voc:DIR"]    # year=N, sbd=TEXT
    ```
    """
    found = []
    for name, module in modules().items():
        options = module.OPTIONS or {"": types.SimpleNamespace(value_name="", help="no options")}
        for key, option in options.items():
            again = " Repeatable." if getattr(option, "repeatable", False) else ""
            found.append((written(name), option_words(key, option), f"{option.help}{again}"))
    return found


def summary(name):
    """Returns the first sentence about a dataset: that of its module's docstring."""
    return modules()[name].__doc__.partition("\n")[0]


def markdown():
    """Returns the table for docs/data.md, a str of Markdown lines."""
    table = [HEAD, ("---",) * len(HEAD)]
    last = None
    for dataset, option, help in rows():
        shown = "" if dataset == last else f"`{dataset}`"
        table.append((shown, f"`{option}`" if option else "", help))
        last = dataset
    lines = ("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in table)
    return "\n".join(lines) + "\n"
