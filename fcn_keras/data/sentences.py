"""Parts of the sentences that `check` makes of counted things."""


def count_images(found):
    """Returns the number of things found, as images: "1 image", "3 images"."""
    return f"{len(found)} image{'s' * (len(found) != 1)}"


def are(found):
    """Returns "are" where several things were found, else "is"."""
    return "are" if len(found) > 1 else "is"


def first_of(words):
    """Returns the first three of some words: "a, b, c, ..."."""
    words = list(words)
    return ", ".join(words[:3]) + (", ..." if len(words) > 3 else "")
