"""From sentences to the task of parsing them."""

from collections.abc import Sequence

import numpy as np

from vestige.data.treebank import Sentence
from vestige.models.structured.text_parser import Sizes
from vestige.tasks.text.packing import RowWords, Vocabulary, packed
from vestige.tasks.text.parsing import DependencyParsing, Sentences


def task_of(
    train: Sequence[Sentence], test: Sequence[Sentence], *, longest: int, labelled: float = 1.0
) -> DependencyParsing:
    """The task of parsing like some sentences.

    **Arguments:**

    - `train`: to learn from; those that no row has room for are left out. The vocabulary is theirs.
    - `test`: to evaluate on, all of them; rows are as long as the longest needs.
    - `longest`: positions of a row, the root among them.
    - `labelled`: part of the sentences, the first ones, whose heads may be learned from.

    **Raises:** `ValueError` where nothing is left to learn from or to evaluate on, or nothing has a tree.
    """
    fitting = [sentence for sentence in train if len(sentence.words) < longest]
    if not fitting or not test:
        raise ValueError(
            "parse: there must be sentences to evaluate on, and some to learn from of at most longest - 1 = "
            f"{longest - 1} words; got {len(test)} and {len(fitting)}"
        )
    vocabulary = Vocabulary.of(fitting)
    with_trees = round(labelled * len(fitting))
    parts, known = [], []
    for sentences, has_trees in ((fitting[:with_trees], True), (fitting[with_trees:], False)):
        if sentences:
            parts.append(packed(sentences, vocabulary, longest))
            known += [has_trees] * len(parts[-1].words)
    joined = type(parts[0])(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    room = max(longest, 1 + max(len(sentence.words) for sentence in test))
    held_out = packed(test, vocabulary, room)
    return DependencyParsing(
        Sentences.of(joined, np.array(known)),
        Sentences.of(held_out, np.ones(len(held_out.words), bool)),
        Sizes(*vocabulary.sizes),
        all(known),
        len(train) - len(fitting),
        RowWords.of(test, held_out),
    )
