"""Declarations of options: name, help, words on the command line and check, each written once.

A dataclass or a TypedDict attaches an `Option` to each field. The commands, their `--help`, the
tables in the docs and the checks are made from these. Needs neither Keras nor Typer.
"""

import dataclasses
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fcn_keras.checks import number, one_of, whole_number

_KEY = "option"


@dataclass(frozen=True)
class Option:
    """One option of a recipe or of a net.

    Attributes:
        help: A sentence that says what the option sets, and in which unit.
        metavar: What stands for the value in `--help`, such as "HxW|auto|none". Default: the
            choices, or the type.
        flag: Name on the command line without dashes. Default: the field's name.
        takes: What the words on the command line may be, for error messages:
            "HEIGHTxWIDTH in pixels, such as 256x320". Needed with `parse`.
        parse: Function from the text on the command line to the value; it raises ValueError for
            text that it does not understand. Of a repeatable option it gets the list of texts.
        kind: bool, int, float, str or Path: how the text is read where there is no `parse`.
            Default: the type of the field's annotation, else str.
        repeatable: Whether the option may be given several times.
        panel: Heading in `--help`.
        default: The value where the option is not given. `declared` takes it from a dataclass.
        shown: Text of the default in `--help` and in tables, where the value itself says too
            little: "the dataset's".
        choices: The possible values, or ().
        least: Smallest number.
        most: Largest number, or None.
        check: Function of (name, value) that returns the checked value or raises ValueError, in
            place of `choices`, `least` and `most`.
        python_only: Whether the command line leaves it out.
        off: Whether `--no-NAME` goes with a bool. Default: where the default is not False.
    """

    help: str
    metavar: str | None = None
    flag: str | None = None
    takes: str = ""
    parse: Callable | None = None
    kind: type | None = None
    repeatable: bool = False
    panel: str | None = None
    default: object = None
    shown: str | None = None
    choices: tuple = ()
    least: float = 0
    most: float | None = None
    check: Callable | None = None
    python_only: bool = False
    off: bool | None = None

    def read(self, given):
        """Returns the value that the text on the command line stands for.

        Args:
            given: What the command line found: a str, an int, a bool, or a list of str.

        Raises:
            ValueError: for text without meaning; the message names the option and the text.
        """
        if self.parse is None:
            return given
        try:
            return self.parse(given)
        except ValueError:
            text = ", ".join(map(repr, given)) if self.repeatable else repr(given)
            raise ValueError(f"--{self.flag} takes {self.takes}; got {text}.") from None

    def checked(self, name, value):
        """Returns the value, checked against the declaration.

        Raises:
            ValueError: for a value that is not possible; the message quotes it.
        """
        if value is None and self.default is None:
            return None
        if self.check is not None:
            return self.check(name, value)
        if self.choices:
            return one_of(name, value, self.choices)
        if self.kind is int:
            return whole_number(name, value, self.least, self.most)
        if self.kind is float:
            return number(name, value, self.least, self.most)
        if self.kind is bool:
            return one_of(name, value, (True, False))
        return value

    @property
    def value_name(self):
        """What stands for the value in `--help` and in tables; "" for a switch."""
        if self.metavar is not None:
            return self.metavar
        if self.kind is bool:
            return ""
        if self.choices:
            return "|".join(map(str, self.choices))
        return {int: "N", float: "NUMBER", Path: "FILE"}.get(self.kind, "TEXT")

    @property
    def default_text(self):
        """The default in words."""
        if self.shown is not None:
            return self.shown
        if self.default is None or self.default == ():
            return "none"
        if isinstance(self.default, bool):
            return "yes" if self.default else "no"
        return f"{self.default:g}" if isinstance(self.default, float) else str(self.default)


def option(default=dataclasses.MISSING, help="", **declaration):
    """Returns a dataclass field with a default and an `Option`.

    Args:
        default: The field's default, which must be immutable.
        help: See `Option`.
        **declaration: The other attributes of `Option`.
    """
    return dataclasses.field(default=default, metadata={_KEY: Option(help, **declaration)})


def option_field(default, declaration, **changes):
    """Returns a dataclass field with a default and an Option that is declared elsewhere.

    Args:
        default: The field's default, which must be immutable.
        declaration: An `Option`.
        **changes: Attributes of it that differ here.
    """
    changed = dataclasses.replace(declaration, **changes)
    return dataclasses.field(default=default, metadata={_KEY: changed})


def declared(cls):
    """Returns the options that a class declares: {field: Option}.

    Args:
        cls: A dataclass whose fields were made by `option`, or a dataclass or TypedDict whose
            annotations are `Annotated[type, Option(...)]`.

    Returns:
        A dict in the order of the fields; fields without an Option are left out. `flag`, `kind`,
        `off` and, of a dataclass, `default` are filled in.
    """
    hints = typing.get_type_hints(cls, include_extras=True)
    fields = {}
    if dataclasses.is_dataclass(cls):
        fields = {field.name: field for field in dataclasses.fields(cls)}
    found = {}
    for name, hint in hints.items():
        field = fields.get(name)
        extras = ()
        if typing.get_origin(hint) in (typing.Required, typing.NotRequired):
            (hint,) = typing.get_args(hint)
        if typing.get_origin(hint) is typing.Annotated:
            hint, *extras = typing.get_args(hint)
        own = field.metadata.get(_KEY) if field else None
        own = next((extra for extra in extras if isinstance(extra, Option)), own)
        if own is None:
            continue
        default = own.default
        if field is not None and field.default is not dataclasses.MISSING:
            default = field.default
        found[name] = dataclasses.replace(
            own,
            flag=own.flag or name.replace("_", "-"),
            kind=own.kind or _plain_type(hint),
            default=default,
            off=default is not False if own.off is None else own.off,
        )
    return found


def markdown_table(options, keyword=True):
    """Returns a table of options for the docs.

    Args:
        options: {name: Option}, as `declared` returns them.
        keyword: Whether the names in Python get a column.

    Returns:
        A str of Markdown lines.
    """
    head = ["Command line", "Python", "Default", "What it sets"]
    rows = [head, ["---"] * len(head)]
    for name, one in options.items():
        flag = "" if one.python_only else f"`{' '.join(f'--{one.flag} {one.value_name}'.split())}`"
        rows.append([flag, f"`{name}`", one.default_text, one.help])
    if not keyword:
        rows = [[row[0], *row[2:]] for row in rows]
    lines = ("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)
    return "\n".join(lines) + "\n"


def _plain_type(hint):
    """bool, int, float, Path or str: the first that an annotation such as `int | None` names."""
    parts = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    return next((part for part in parts if part in (bool, int, float, Path, str)), str)
