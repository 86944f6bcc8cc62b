"""What parts may need of each other, in words: the vocabulary by which an experiment matches them."""

from collections.abc import Mapping

OF_TASKS: Mapping[str, str] = {
    "frames": "sequences of frames, with a likelihood of a frame",
    "named frames": "long sequences of frames, each of which can be queried by what is given with it",
    "outcomes": "long sequences of tokens or vectors, with outcomes at some steps",
    "observations": "an observation at every step, of a known family",
    "bits": "binary images, with or without labels",
    "rows": "rows of values of several kinds, some of them missing, with or without labels",
    "labels": "images with labels",
    "maze": "an environment in which an agent acts",
    "recorded game": "recorded episodes of a game, with rewards",
    "labelled texts": "texts of tokens, each with a class, and arcs between the tokens that no model is given",
    "sentences": "sentences of words with tags, some of them with dependency trees",
    "marked texts": "texts with a class, some of whose words people have marked",
    "token sequences": "texts of tokens whose length is known, to be generated",
    "cost": "a structure and what a draw of it costs",
    "moving graphs": "places of nodes over time, moved by the edges of a graph that is not shown",
    "detections": "unordered detections of moving objects in every frame, who is who known in the first",
}
"""What a task can provide to a model."""

OF_MODELS: Mapping[str, str] = {
    "objective": "an objective of a whole example, to be differentiated",
    "long-term memory": "`encode` and `surprise`: it follows a long sequence and answers about later steps",
    "step density": "a density of a single step, given or joint with the state before",
    "two directions": "a recognition and a generation network over the same layers",
    "agent": "a long-term memory and a policy on it",
}
"""What a model can provide to a rule."""

OF_STRUCTURES: Mapping[str, str] = {
    "distinct traces": "draws of different traces, in the order of their perturbed probabilities",
    "relaxation": "marginals that are differentiable in the log-rates",
    "set probability": "the probability of an unordered set, all its traces summed",
}
"""What a structure can provide to an estimator beside draws with exact traces."""
