"""The factors by which a resized image changes the values of a task."""


def mean_factor(factor):
    """Returns the geometric mean of the factors of rows and columns."""
    rows, columns = by_axis(factor)
    return (rows * columns) ** 0.5


def by_axis(factor):
    """Returns the factors of rows and columns, where one number may stand for both."""
    one = not isinstance(factor, (tuple, list)) and not len(getattr(factor, "shape", ()))
    return (factor, factor) if one else (factor[0], factor[1])
