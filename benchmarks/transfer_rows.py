"""The rows of benchmarks/transfer.py: what the paper found, and the trainings that repeat it."""

from dataclasses import dataclass, field

HORSES, CAMVID = "horses", "camvid"
BATCH = 8
# Fully fine-tuned; every other training differs from this one as its fields say.
FINE_TUNED = {
    "batch_size": BATCH,
    "learning_rate": 5e-4,
    "rates": {"score*": 4.0},  # 2e-3, as from nothing
    "augment": {"scale": (0.75, 1.5), "color": 0.2},
    "weight_decay": 0.01,
    "precision": "mixed",
}
FROM_NOTHING = {"learning_rate": 2e-3, "rates": {}}


@dataclass(frozen=True)
class Training:
    """A training, as its differences from the full fine-tuning of FCN-8s.

    Attributes:
        title: What tells it apart, for the table.
        recipe: {field: value} of `fcn_keras.training.Recipe`.
        net: {option: value} of the builder; "weights" too.
        stages: The nets that are trained one after another, each from the one before, with an
            equal share of the epochs. After the first stage the rate is a tenth.
        images: Number of training images, spread evenly over the data set; None for all. They are
            repeated, so that an epoch has as many steps as with all.
        window: "whole": windows of the size of an image. "crops": of half its height and width,
            four times as many in a batch and in an epoch. "shifted": of 64 pixels more, within
            which the image has a random place.
        batches: Factor on the size of the batches.
    """

    title: str
    recipe: dict = field(default_factory=dict)
    net: dict = field(default_factory=dict)
    stages: tuple[str, ...] = ("fcn8s",)
    images: int | None = None
    window: str = "whole"
    batches: int = 1


COUNTS = (10, 20, 45, 90)
SAMPLED = {"loss": "cross_entropy(sampling=0.25, cell=32)"}  # 32 pixels: a cell of the scores
TRAININGS = {
    "imagenet": Training("ImageNet, all layers"),
    "nothing": Training("random weights", FROM_NOTHING, {"weights": None}),
    "scores-only": Training("score layers only", {"freeze": "all but scores"}),
    "staged": Training("staged", stages=("fcn32s", "fcn16s", "fcn8s")),
    "scaled-skips": Training("at once, skips scaled", net={"skip_scales": (0.01, 0.0001)}),
    "random-scores": Training("random scores", net={"score_initializer": "glorot_uniform"}),
    "learned-upsampling": Training("learned", net={"learn_upsampling": True}),
    "balanced": Training("balanced by median frequency", {"class_weights": "median"}),
    "crops": Training("crops", window="crops"),
    "sampled": Training("a quarter of the cells", SAMPLED),
    "sampled-x4": Training("the same, batches of four times the size", SAMPLED, batches=4),
    "plain": Training("none", {"augment": False}),
    "shifted": Training(
        "mirror images, shifts of 32 pixels", {"augment": {"scale": None, "color": 0.0}},
        window="shifted",
    ),
    **{f"imagenet-{n}": Training("ImageNet, all layers", images=n) for n in COUNTS},
    **{
        f"nothing-{n}": Training("random weights", FROM_NOTHING, {"weights": None}, images=n)
        for n in COUNTS
    },
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A row of the table: trainings that are compared.

    Attributes:
        key: Its name in `--rows`.
        title: What is compared.
        trainings: {key of `TRAININGS`: its words in this row}; "" for its title.
        paper: The paper's finding, and where it stands.
        data: The data sets that it is measured on.
        images: Number of training images, in a row of fewer labels.
    """

    key: str
    title: str
    trainings: dict
    paper: str = ""
    data: tuple[str, ...] = (HORSES, CAMVID)
    images: int | None = None


def _fewer(count):
    """The row of so many labelled images."""
    both = (f"nothing-{count}", f"imagenet-{count}") if count in COUNTS else ("nothing", "imagenet")
    title = f"{count} training images"
    return Row(f"labels-{count}", title, dict.fromkeys(both, ""), data=(HORSES,), images=count)


ROWS = (
    Row(
        "start",
        "From nothing or from ImageNet",
        {"nothing": "", "imagenet": ""},
        '"training from scratch is not feasible", for its time (4.3, Fine-tuning)',
    ),
    Row(
        "layers",
        "Score layers only or all layers",
        {"scores-only": "", "imagenet": "all layers"},
        '"only 70% of the full fine-tuning performance" (4.3); mean IU 45.4 of 59.4 (table 2, '
        "FCN-32s)",
    ),
    Row(
        "stages",
        "32s, 16s, 8s in stages or at once",
        {"staged": "", "scaled-skips": "", "imagenet": "at once, skips as they are"},
        "in stages: mean IU 59.4, 62.4, 62.7 (4.2, table 2). At once with scaled skips: 65.4 "
        "against 65.5 (the authors' published nets)",
    ),
    Row(
        "scores",
        "Zero or random score layers",
        {"imagenet": "zeros", "random-scores": ""},
        'random: "neither better performance nor faster convergence" (4.3, Optimization)',
    ),
    Row(
        "upsampling",
        "Fixed or learned upsampling",
        {"imagenet": "fixed", "learned-upsampling": ""},
        "between the skips learned, the last one fixed (4.3, Dense prediction); no significant "
        "difference (the authors' notes)",
    ),
    Row(
        "classes",
        "Classes balanced or not",
        {"imagenet": "not balanced", "balanced": ""},
        '"we find class balancing unnecessary" (4.3)',
    ),
    Row(
        "sampling",
        "Whole images, crops, or a sampled loss",
        {"imagenet": "whole images", "crops": "", "sampled": "", "sampled-x4": ""},
        "sampling has no significant effect on convergence for each step, and takes more time "
        "(4.3, figure 5)",
    ),
    Row(
        "augmentation",
        "Augmentation or none",
        {"plain": "", "shifted": "", "imagenet": "mirror images, scales, colours"},
        'mirroring and shifts of up to 32 pixels: "no noticeable improvement" (4.3)',
    ),
    *map(_fewer, (*COUNTS, 180)),
)
