"""The recipe of a training, from what its caller gave."""

import dataclasses

from fcn_keras.training.recipe import Recipe


def chosen(recipe, choices):
    """A recipe, or the name of one, or none, with the fields that were chosen otherwise."""
    if recipe is None or isinstance(recipe, Recipe):
        return changed(recipe or Recipe(), choices)
    _check_fields(choices)
    return Recipe.named(recipe, **choices)


def changed(recipe, choices):
    """The recipe with some fields otherwise.

    Raises:
        TypeError: for a choice that is no field of a recipe.
    """
    _check_fields(choices)
    return dataclasses.replace(recipe, **choices)


def _check_fields(choices):
    known = {field.name for field in dataclasses.fields(Recipe)}
    unknown = sorted(set(choices) - known)
    if unknown:
        raise TypeError(
            f"train() has no option {unknown[0]!r}. Options: {', '.join(sorted(known))}"
        )
