"""The command line, `fcn-keras COMMAND`.

Each command turns its options into arguments, calls the library and prints the result.
"""

import os
import sys
import traceback
import warnings

import typer

from fcn_keras.cli.check import check_data
from fcn_keras.cli.conversion import convert
from fcn_keras.cli.datasets import datasets
from fcn_keras.cli.demonstration import demo
from fcn_keras.cli.evaluate import evaluate
from fcn_keras.cli.exporting import export
from fcn_keras.cli.find_lr import find_lr
from fcn_keras.cli.inspection import summary
from fcn_keras.cli.postprocessing import named_presets
from fcn_keras.cli.predict import predict
from fcn_keras.cli.published import import_caffe, import_torch
from fcn_keras.cli.recipes import recipes
from fcn_keras.cli.serve import serve
from fcn_keras.cli.sharing import card, pack
from fcn_keras.cli.training import train
from fcn_keras.cli.tune_crf import tune_crf
from fcn_keras.cli.workers import SETTINGS as WORKER_SETTINGS
from fcn_keras.cli.workers import worker
from fcn_keras.printing import any_language

HELP = """Fully convolutional networks: train, measure, use and export semantic segmenters.

[bold]fcn-keras demo[/bold] shows everything on handwritten digits in a few minutes. Each command
explains itself, with examples: [bold]fcn-keras train --help[/bold].
"""

STOPPED = 130
_GRAPH = ("Graph execution error", "Detected at", "File ", "[[", "<", "{{")

app = typer.Typer(
    name="fcn-keras",
    help=HELP,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for name, command in (
    ("demo", demo),
    ("train", train),
    ("recipes", recipes),
    ("find-lr", find_lr),
    ("evaluate", evaluate),
    ("predict", predict),
    ("tune-crf", tune_crf),
    ("export", export),
    ("serve", serve),
    ("card", card),
    ("pack", pack),
    ("check-data", check_data),
    ("convert", convert),
    ("datasets", datasets),
    ("summary", summary),
    ("import-caffe", import_caffe),
    ("import-torch", import_torch),
):
    app.command(name)(command)
app.command("worker", context_settings=WORKER_SETTINGS)(worker)


def _version(asked):
    if asked:
        from fcn_keras import __version__

        print(f"fcn-keras {__version__}")
        raise typer.Exit()


@app.callback()
def options(
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version."
    ),
):
    """Options before every command; `--debug` may also follow it."""


def main(arguments=None):
    """Runs one command and exits with its code: 0, or 1 after one line that says why.

    Args:
        arguments: The words after `fcn-keras`, a list of str. Default: those of the process.

    Raises:
        SystemExit: always; 130 after Ctrl-C.
    """
    words = [_at_home(word) for word in (sys.argv[1:] if arguments is None else arguments)]
    debug = "--debug" in words
    words = named_presets([word for word in words if word != "--debug"])
    with any_language(), warnings.catch_warnings():
        if not debug:
            os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
            warnings.showwarning = _show_warning
        sys.exit(_run(words, debug))


def _at_home(word):
    """A word with the home folder for `~` where the shell leaves it: --out=~/a."""
    option, sign, value = word.partition("=") if word.startswith("--") else ("", "", word)
    return option + sign + os.path.expanduser(value)


def _run(words, debug):
    """Runs one command and returns its exit code."""
    try:
        code = app(words or ["--help"], prog_name="fcn-keras", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        code = STOPPED
    except Exception as error:
        if debug:
            traceback.print_exc()
        print(f"fcn-keras: {_one_line(error)}", file=sys.stderr)
        return 1
    if code == STOPPED:  # the code that Typer returns after Ctrl-C
        print("fcn-keras: stopped", file=sys.stderr)
    return code if isinstance(code, int) else 0


def _one_line(error):
    """Returns the message of an exception in one line."""
    if hasattr(error, "format_message"):  # Typer refused the words of the command line
        path = getattr(getattr(error, "ctx", None), "command_path", "fcn-keras")
        message = _flat(error.format_message())
        return f"{message}{'' if message[-1] in '.?!' else '.'} See {path} --help"
    text = str(error)
    if type(error).__module__.startswith("tensorflow"):
        text = _from_graph(text)
    if isinstance(error, KeyError):
        text = f"There is no {text}"
    if not text or isinstance(error, (AttributeError, IndexError, AssertionError)):
        text = f"{type(error).__name__}: {text} (--debug shows where)"
    return _flat(text)


def _from_graph(text):
    """Returns the sentence in TensorFlow's report of an error inside a graph."""
    for line in text.splitlines():
        line = line.strip()
        if line and not line.startswith(_GRAPH):
            return line
    return text


def _flat(text):
    return " ".join(text.split())


def _show_warning(message, category, filename, lineno, file=None, line=None):
    if issubclass(category, UserWarning) and "fcn_keras" in filename:
        print(f"fcn-keras: warning: {_flat(str(message))}", file=sys.stderr)
