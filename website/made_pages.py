"""Pages that are made from files of the repository: examples, other files, the gallery."""

import ast
import re

PROJECT = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE")
PICTURE = re.compile(r"^!\[([^]]+)\]\((images/[^)]+)\)", re.MULTILINE)


def examples(root):
    """The scripts of examples/, relative to the root, the shortest way in first."""
    found = sorted((root / "examples").glob("*.py"))
    return [p.relative_to(root) for p in sorted(found, key=lambda p: p.stem != "quickstart")]


def listing(root, path):
    """The page of a file: Markdown as it is, of a script its docstring and its code."""
    text = (root / path).read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    language = {".py": "python", ".js": "javascript"}.get(path.suffix, "text")
    about = ast.get_docstring(ast.parse(text)) if path.parts[0] == "examples" else ""
    return "\n\n".join([f"# {path.name}", about or "", fenced(text, language)])


def gallery(root):
    """Every picture of the guide with its caption and its page."""
    parts = ["# Gallery", "The pictures of the guide, each with the page that explains it."]
    for path in sorted((root / "docs").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        title = re.search(r"^# (.+)", text, re.MULTILINE)
        for caption, picture in PICTURE.findall(text):
            parts.append(f"![{caption}]({picture})\n\n{caption}: [{title[1]}]({path.name})")
    return "\n\n".join(parts) + "\n"


def fenced(text, language):
    """A block of code, which may hold blocks itself."""
    marks = "`" * max(3, 1 + max((len(run) for run in re.findall("`{3,}", text)), default=0))
    return f"{marks}{language}\n{text.rstrip()}\n{marks}\n"


def as_python_markdown(markdown):
    """Changes what GitHub reads otherwise than Python-Markdown does.

    A list may follow a line of text there, and a bar in the code of a table has a backslash.
    """
    lines, code = [], False
    for line in markdown.split("\n"):
        code ^= line.startswith("```")
        below = lines and re.match(r"[^\s\-|#>]", lines[-1])
        if not code and below and line.startswith("- "):
            lines.append("")
        if not code and line.startswith("|"):
            line = re.sub(r"`[^`]+`", lambda span: span[0].replace(r"\|", "|"), line)
        lines.append(line)
    return "\n".join(lines)
