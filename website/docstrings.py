"""A griffe extension: examples in docstrings become code blocks, functions made by calls appear."""

import re

import griffe
import reference

PROMPTS = re.compile(r"(?:^>>> .*\n?(?:^(?!\s*$).*\n?)*)+", re.MULTILINE)


class Docstrings(griffe.Extension):
    """Mends what static analysis and Markdown make of the docstrings."""

    def on_package(self, *, pkg, **_):
        """Looks at the running function where a module makes it by a call."""
        for entries in reference.contents().values():
            for value in filter(callable, entries.values()):
                module, _, name = reference.defined_at(value).rpartition(".")
                place = pkg[module.removeprefix(f"{pkg.name}.")]
                if name in place.members and not place[name].is_attribute:
                    continue
                running = griffe.inspect(place.name, filepath=place.filepath, parent=place.parent)
                made = running[name]
                self.on_object(obj=made)
                place.set_member(name, made)

    def on_object(self, *, obj, **_):
        """Puts examples with prompts into code blocks, and marks the words that head them."""
        if obj.docstring is None:
            return
        text = "".join(
            part if fenced else _with_blocks(part) for part, fenced in _parts(obj.docstring.value)
        )
        obj.docstring.value = re.sub(r"^(Example|Source):", r"**\1:**", text, flags=re.MULTILINE)


def _parts(text):
    """The pieces of a text, and whether each is a block of code."""
    for number, part in enumerate(re.split(r"(^```.*?^```)", text, flags=re.DOTALL | re.M)):
        yield part, number % 2 == 1


def _with_blocks(text):
    return PROMPTS.sub(lambda match: f"```pycon\n{match[0].rstrip()}\n```\n", text)
