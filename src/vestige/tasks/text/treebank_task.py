"""From sentences to the task of parsing them."""

from collections.abc import Sequence

import numpy as np

from vestige.data.treebank import Sentence
from vestige.models.structured.text_parser import Sizes
from vestige.tasks.text.packing import RowWords, Vocabulary, packed
from vestige.tasks.text.parsing import DependencyParsing, Sentences


def task_of(
    train: Sequence[Sentence],
    test: Sequence[Sentence],
    *,
    longest: int,
    labelled: float = 1.0,
    labelled_share: float | None = None,
) -> DependencyParsing:
    """The task of parsing like some sentences.

    **Arguments:**

    - `train`: to learn from; those that no row has room for are left out. The vocabulary is theirs.
    - `test`: to evaluate on, all of them; rows are as long as the longest needs.
    - `longest`: positions of a row, the root among them.
    - `labelled`: part of the sentences, the first ones, whose heads may be learned from.
    - `labelled_share`: part of the rows of a batch that have trees; None: as they come.

    **Raises:** `ValueError` where nothing is left to learn from or to evaluate on, or where a share of rows with trees
    is given and all rows have them, or none.
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
    labelled_rows = sum(known)
    if labelled_share is not None and not 0 < labelled_rows < len(known):
        raise ValueError(
            f"parse: labelled_share mixes rows with and without trees, and {labelled_rows} of {len(known)} rows have "
            "them; change labelled, or leave labelled_share out"
        )
    joined = type(parts[0])(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    room = max(longest, 1 + max(len(sentence.words) for sentence in test))
    held_out = packed(test, vocabulary, room)
    return DependencyParsing(
        Sentences.of(joined, np.array(known)),
        Sentences.of(held_out, np.ones(len(held_out.words), bool)),
        Sizes(*vocabulary.sizes),
        labelled_rows,
        labelled_share,
        len(train) - len(fitting),
        RowWords.of(test, held_out),
    )
