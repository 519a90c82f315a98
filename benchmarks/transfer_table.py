"""The tables and pictures of benchmarks/transfer.py, made from the scores of its trainings."""

from matplotlib.figure import Figure
from transfer_rows import ROWS, TRAININGS

TITLES = {"horses": "horses", "camvid": "CamVid"}
NOTHING, IMAGENET = "#d9660d", "#3465a4"
MISSING = "not measured"


def save(found, folder):
    """Writes table.md, transfer.png and, of fewer labels, labels.png.

    Args:
        found: {(data, key of `TRAININGS`): {"mean_iou": float, "epochs": int, ...}}.
        folder: Where the files are written.

    Returns:
        The paths of the files; a picture without anything to show is not written.
    """
    paths = [folder / "table.md"]
    paths[0].write_text(f"{comparisons(found)}\n\n{fewer_labels(found)}\n", encoding="utf-8")
    for name, draw in (("transfer.png", draw_comparisons), ("labels.png", draw_fewer_labels)):
        if figure := draw(found):
            figure.savefig(folder / name, dpi=120)
            paths.append(folder / name)
    return paths


def comparisons(found):
    """Returns the table of all rows but those of fewer labels, in Markdown."""
    lines = [
        f"| mean IoU | the paper | {' | '.join(TITLES.values())} |",
        "|---|---|" + "---|" * len(TITLES),
    ]
    for row in ROWS:
        if row.images is None:
            cells = [_cell(row, data, found) for data in TITLES]
            lines.append(f"| {row.title} | {row.paper} | {' | '.join(cells)} |")
    return "\n".join([_budget(found), "", *lines])


def fewer_labels(found):
    """Returns the table of the mean IoU over the number of training images, in Markdown."""
    lines = ["| training images | random weights | ImageNet |", "|---:|---:|---:|"]
    for row in ROWS:
        if row.images is not None:
            scores = [_score(found, row.data[0], key) for key in row.trainings]
            lines.append(f"| {row.images} | " + " | ".join(map(_written, scores)) + " |")
    return "\n".join(lines)


def draw_comparisons(found):
    """Returns a figure with a panel for each data set and a point for each training, or None."""
    shown = [row for row in ROWS if row.images is None]
    data = [name for name in TITLES if any(_scores(row, name, found) for row in shown)]
    rows = [row for row in shown if any(_scores(row, name, found) for name in data)]
    if not rows:
        return None
    places, titles = {}, []
    for row in rows:
        titles.append((row.title, "bold"))
        for key in row.trainings:
            if any(key in _scores(row, name, found) for name in data):
                places[row.key, key] = len(titles)
                titles.append((_title(row, key), "normal"))
    size = (6.2 + 2.6 * (len(data) - 1), 0.27 * len(titles) + 0.7)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(data), sharey=True, squeeze=False)[0]
    for panel, name in zip(panels, data, strict=True):
        _draw_panel(panel, name, rows, places, found)
    panels[0].set_yticks(range(len(titles)), [title for title, _ in titles])
    for tick, (_, weight) in zip(panels[0].get_yticklabels(), titles, strict=True):
        tick.set(weight=weight, size=8)
    panels[0].set_ylim(len(titles) - 0.4, -0.8)
    return figure


def draw_fewer_labels(found):
    """Returns a figure of the mean IoU over the number of training images, or None."""
    rows = [row for row in ROWS if row.images is not None]
    figure = Figure(figsize=(5.6, 3.6), layout="constrained")
    axes, drawn = figure.subplots(), 0
    for place, (title, color) in enumerate((("random weights", NOTHING), ("ImageNet", IMAGENET))):
        points = [(row.images, _score(found, row.data[0], [*row.trainings][place])) for row in rows]
        points = [point for point in points if point[1] is not None]
        for count, score in points:
            axes.annotate(
                f"{score:.2f}", (count, score), textcoords="offset points", xytext=(0, 7),
                ha="center", color=color, size=8,
            )  # fmt: skip
        axes.plot(*zip(*points, strict=True) if points else ([], []), "o-", color=color)
        axes.plot([], [], "o-", color=color, label=title)
        drawn += len(points)
    if not drawn:
        return None
    counts = [row.images for row in rows]
    axes.set(xscale="log", ylim=(0, 1), xlabel="images with masks", ylabel="mean IoU")
    axes.set_xticks(counts, map(str, counts))
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc="lower right", title="starting from")
    return figure


def _draw_panel(panel, name, rows, places, found):
    """Draws the points of a data set, those of one row joined by a line."""
    for row in rows:
        scores = _scores(row, name, found)
        if not scores:
            continue
        points = [(score, places[row.key, key]) for key, score in scores.items()]
        panel.plot(*zip(*points, strict=True), "-", color="#bbbbbb", lw=1, zorder=1)
        panel.plot(*zip(*points, strict=True), "o", color=IMAGENET, ms=5)
        for score, place in points:
            panel.annotate(
                f"{score:.3f}", (score, place), textcoords="offset points", xytext=(7, -3), size=7.5
            )
    panel.set(title=TITLES[name], xlabel="mean IoU")
    panel.margins(x=0.25)
    panel.grid(axis="x", alpha=0.3)
    panel.tick_params(left=False)


def _title(row, key):
    return row.trainings[key] or TRAININGS[key].title


def _scores(row, data, found):
    """The scores of a row's trainings; none where fewer than two are there to compare."""
    scores = {key: found[data, key]["mean_iou"] for key in row.trainings if (data, key) in found}
    return scores if len(scores) > 1 else {}


def _score(found, data, key):
    return found[data, key]["mean_iou"] if (data, key) in found else None


def _written(score):
    return MISSING if score is None else f"{score:.3f}"


def _cell(row, data, found):
    """A row's trainings and their scores on a data set, the highest one bold."""
    scores = _scores(row, data, found)
    if not scores:
        return MISSING
    best, words = _written(max(scores.values())), []
    for key in row.trainings:
        score = _written(scores.get(key))
        words.append(f"{_title(row, key)}: {f'**{score}**' if score == best else score}")
    return "; ".join(words)


def _budget(found):
    """The length of the trainings and the seed, as a sentence, for each data set."""
    told = {
        f"{TITLES[data]}: {one['epochs']} epochs of {one['batch_size']} images in a batch, "
        f"seed {one['seed']}, {one['precision']}": None
        for (data, key), one in found.items()
        if key in ("imagenet", "nothing")
    }
    return ". ".join(told) + "." if told else "Nothing is measured yet."
