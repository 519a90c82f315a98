"""Options of commands that are made from the library's declarations: recipes, nets, measures."""

import inspect
from pathlib import Path
from typing import Annotated

import typer

from fcn_keras.metrics.measures import declared_measures
from fcn_keras.models.options import OPTIONS
from fcn_keras.options import declared, markdown_table
from fcn_keras.training.choices import AugmentationChanges
from fcn_keras.training.net import PANEL as MODEL
from fcn_keras.training.net import Net
from fcn_keras.training.recipe import Recipe

RECIPE = declared(Recipe)
AUGMENTATION = declared(AugmentationChanges)
NET = declared(Net)
MEASURES = declared_measures()


def net_options():
    """Returns {name: Option} of all nets, beside model, classifier and weights."""
    found = {}
    for options in OPTIONS.values():
        for name, one in options.items():
            if name not in NET and not one.python_only:
                found.setdefault(name, one)
    return found


def tables():
    """Returns {heading: table of its options}, the tables of docs/cli.md, as Markdown."""
    found = {}
    for declaration in (NET, net_options(), RECIPE, AUGMENTATION, MEASURES):
        for name, one in declaration.items():
            if not one.python_only:
                found.setdefault(one.panel or MODEL, {})[name] = one
    return {heading: markdown_table(options) for heading, options in found.items()}


def with_options(*declarations, leave_out=(), before=None, panel=None):
    """Returns a decorator that adds declared options to a command, which gets them by keyword.

    Args:
        *declarations: {name: Option}.
        leave_out: Names that are not added.
        before: The command's own parameter in front of which they stand in `--help`.
        panel: Heading in `--help` of options that declare none.
    """

    def decorate(command):
        signature = inspect.signature(command)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        place = [p.name for p in own].index(before) if before else len(own)
        added = [
            _parameter(one, panel)
            for declaration in declarations
            for name, one in declaration.items()
            if name not in leave_out and not one.python_only
        ]
        parameters = [*own[:place], *added, *own[place:]]
        parameters = [p.replace(kind=p.KEYWORD_ONLY) for p in parameters]
        command.__signature__ = signature.replace(parameters=parameters)
        return command

    return decorate


def parameter_name(one):
    """Returns the name of an option's parameter: its flag with underscores."""
    return one.flag.replace("-", "_")


def _parameter(one, panel):
    """Returns the parameter of a command that Typer makes the option of."""
    plain = one.kind if one.parse is None else str
    default = one.default if isinstance(one.default, plain) else None
    if one.parse is not None and one.shown is None and one.default is None:
        default = "none"
    flags = [f"--{one.flag}"]
    if plain is bool and one.off:
        flags = [f"--{one.flag}/--no-{one.flag}"]
    if one.repeatable:
        plain, default = list[str], None
    elif default is None:
        plain = plain | None
    help = one.help if one.shown is None else f"{one.help} Default: {one.shown}."
    setting = typer.Option(
        *flags,
        metavar=None if one.kind is bool else one.value_name,
        help=help,
        rich_help_panel=one.panel or panel,
        show_default=one.shown is None and default is not None and default is not False,
    )
    return inspect.Parameter(
        parameter_name(one),
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[plain, setting],
    )


def named_on_the_command_line(context):
    """Returns the names of the parameters that the command line gave."""
    return {
        name
        for name in context.params
        if getattr(context.get_parameter_source(name), "name", None) == "COMMANDLINE"
    }


def read_options(declaration, given, named):
    """Returns {name: value} of the declared options that the command line gave.

    Args:
        declaration: {name: Option}.
        given: {parameter: text or value}.
        named: The parameters that the command line gave.

    Raises:
        ValueError: for text without meaning; the message names the option.
    """
    return {
        name: one.read(given[parameter_name(one)])
        for name, one in declaration.items()
        if parameter_name(one) in named and parameter_name(one) in given
    }


def make_recipe(given, named, leave_out=()):
    """Returns the `Recipe` that the options of a command describe. Needs no Keras.

    Args:
        given: {parameter: text or value} of the command; "recipe" is the name of one, or None.
        named: The parameters that the command line gave; only they replace fields.
        leave_out: Fields of a recipe that the command does not have.

    Raises:
        ValueError: for text without meaning, an impossible value, or an option that the net does
            not have.
    """
    from fcn_keras.training import recipes

    declaration = {name: one for name, one in RECIPE.items() if name not in leave_out}
    fields = read_options(declaration, given, named)
    base = recipes.make_recipe(given["recipe"])
    fields["augment"] = _augment(given, named, base.augment)
    net = make_net(given, named, base.net)
    return base.changed(**{**fields, "net": net})


def make_net(given, named, base=None):
    """Returns the `Net` that the options of a command describe. Needs no Keras.

    Args:
        given: {parameter: text or value} of the command.
        named: The parameters that the command line gave.
        base: The `Net` whose values they replace.
    """
    declaration = {**NET, **net_options()}
    return (base or Net()).changed(**read_options(declaration, given, named))


def net_words(net):
    """Returns a `Net` as the options of a command, a list of str."""
    given = {"model": net.model, "classifier": net.classifier, **net.options}
    declaration = {**NET, **net_options()}
    words = []
    for name, value in given.items():
        if value is None or value is declaration[name].default is False:
            continue  # a net without a classifier, or a switch that is off
        flag = declaration[name].flag
        words.append(f"--no-{flag}" if value is False else f"--{flag}")
        if not isinstance(value, bool):
            listed = isinstance(value, (tuple, list))
            words.append(",".join(map(str, value)) if listed else str(value))
    return words


def with_models(recipe):
    """Returns a recipe whose net starts from the .keras file of the run folder in `init_from`, and
    whose teacher is opened if it is an export or a server.

    Raises:
        FileNotFoundError: if there is none.
    """
    recipe = recipe.changed(teacher=opened_teacher(recipe.teacher))
    source = recipe.net.options.get("init_from")
    if source is None:
        return recipe
    from fcn_keras.export.loading import model_file

    return recipe.changed(net={"init_from": str(model_file(source))})


def opened_teacher(source):
    """Returns a teacher that is neither a .keras file nor a run folder, which `train` opens itself.

    Args:
        source: The text of --teacher, or None.

    Raises:
        FileNotFoundError, ValueError, ImportError: as `fcn_keras.export.load`.
    """
    from fcn_keras import export, training

    if source is None or Path(source).suffix == ".keras" or training.RunFolder(source).exists():
        return source
    return training.Teacher(export.load(source), source)


def _augment(given, named, base):
    """Returns False, True for the dataset's own, or the changes to it that were asked for."""
    changes = read_options(AUGMENTATION, given, named)
    if not given["augment"]:
        if changes:
            raise ValueError(f"--no-augment leaves nothing for --{next(iter(changes))} to change.")
        return False
    own = base if isinstance(base, dict) else {}
    if changes or own:
        return {**own, **changes}
    return True if "augment" in named else base
