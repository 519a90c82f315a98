"""`fcn-keras datasets` and the table in docs/data.md show every option of every dataset."""

import inspect
import subprocess
import sys
from pathlib import Path

from fcn_keras.data import listing

PAGE = Path(__file__).parents[2] / "docs" / "data.md"


def test_the_page_has_the_table():
    table = listing.markdown()
    assert table in PAGE.read_text(encoding="utf-8"), f"docs/data.md needs this table:\n\n{table}"


def test_every_option_of_every_dataset_is_shown(command):
    code, shown, _ = command("datasets")
    assert code == 0
    parts = {part.split("\n")[0]: part for part in shown.split("\n\n")}
    for name, module in listing.modules().items():
        part = parts[listing.written(name)]
        lines = [line.split()[0] for line in part.splitlines()[2:] if line[4:5] not in ("", " ")]
        options = [line.partition("=")[0].removesuffix("[") for line in lines]
        assert options == [*module.OPTIONS], name
        assert all(one.help.split()[0] in part for one in module.OPTIONS.values())


def test_the_options_are_arguments_of_load():
    for name, module in listing.modules().items():
        if name != listing.TFDS:
            assert {*module.OPTIONS} <= {*inspect.signature(module.load).parameters}, name


def test_one_dataset_alone(command):
    code, shown, _ = command("datasets", "voc:VOCdevkit")
    assert code == 0
    assert shown.startswith("voc:DIR\n") and "year=N" in shown and "folder:DIR" not in shown
    assert command("datasets", "tfds:oxford_iiit_pet")[1].startswith("tfds:NAME\n")


def test_an_unknown_name_lists_the_known(command):
    code, _, errors = command("datasets", "vocc")
    assert code == 1
    assert "no dataset 'vocc'" in errors and "voc, sbd" in errors


def test_neither_keras_nor_scipy_is_loaded():
    """The command answers at once: what takes long to import is left alone."""
    program = (
        "import sys; sys.argv[0] = 'fcn-keras'\n"
        "from fcn_keras import cli\n"
        "try: cli.main(['datasets'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'keras', 'tensorflow', 'scipy', 'sklearn', 'matplotlib'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stdout[-500:] + done.stderr[-500:]
