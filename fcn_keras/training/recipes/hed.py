"""Recipe of HED, for boundaries."""

from fcn_keras.training.recipes.line import CAFFE, NamedRecipe, net_of_the_paper

RECIPES = (
    NamedRecipe(
        "hed",
        "the paper's HED: whole images one by one, summed class-balanced loss of every output",
        "Xie, Tu (2015), HED, section 4; solver.prototxt of github.com/s9xie/hed",
        {
            **CAFFE,
            "momentum": 0.9,
            "schedule": "step",
            "drops": (1 / 3, 2 / 3),
            "learning_rate": 1e-6,
            "weight_decay": 2e-4,
            "rates": {"block5_conv*": 100.0, "score_dsn*": 0.01, "score_fuse": 0.001},
            "normalization": "sum",
            "batch_size": 1,
            "accumulate": 10,
            "steps": 30_000,
            "augment": True,
        },
        net_of_the_paper("hed", "vgg16"),
        "The authors trained on 96 rotated, mirrored and scaled copies of each image. Over "
        "another classifier leave out the rate of block5_conv*.",
    ),
)
