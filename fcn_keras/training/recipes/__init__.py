"""The named recipes: the paper's, those of the published nets, and newer ones.

`fcn-keras recipes` prints this table; `get` and `train --recipe` use it.
"""

from fcn_keras.training.recipe import Recipe
from fcn_keras.training.recipes import deconvnet, deeplab, fcn, hed, own, segnet
from fcn_keras.training.recipes.line import NamedRecipe

_TABLES = (own, fcn, segnet, deconvnet, deeplab, hed)
_TABLE = {line.name: line for table in _TABLES for line in table.RECIPES}

__all__ = ["NamedRecipe", "entry", "get", "make_recipe", "names"]


def names():
    """Returns the names of all recipes, a list of str in the table's order."""
    return list(_TABLE)


def entry(name):
    """Returns the line of a recipe in the table.

    Args:
        name: One of `names()`.

    Returns:
        A `NamedRecipe`.

    Raises:
        ValueError: for an unknown name; the message lists the known ones.
    """
    if name not in _TABLE:
        raise ValueError(f"There is no recipe {name!r}. Known recipes: {', '.join(_TABLE)}.")
    return _TABLE[name]


def get(name, **changes):
    """Returns a named recipe, with some fields replaced.

    Args:
        name: One of `names()`.
        **changes: Fields of `Recipe`. `epochs` replaces `steps`; another optimizer brings its own
            defaults; `net={"classifier": "vgg16"}` changes the recipe's net.

    Returns:
        A `Recipe`.

    Raises:
        ValueError: for an unknown name or an impossible value.
        TypeError: for a field that a recipe does not have.

    Example:

    ```python
    recipe = fcn_keras.training.recipes.get("camvid", epochs=100)
    model = recipe.net(labels)
    ```
    """
    line = entry(name)
    return Recipe(name=name, net=line.net, **line.fields).changed(**changes)


def make_recipe(recipe=None, **changes):
    """Returns the recipe that a caller means.

    Args:
        recipe: A `Recipe`, the name of one, or None for `Recipe()`.
        **changes: Fields that are replaced.
    """
    if isinstance(recipe, str):
        return get(recipe, **changes)
    return (recipe or Recipe()).changed(**changes)
