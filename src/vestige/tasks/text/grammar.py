"""Sentences of a small grammar, with their trees: what a parser must learn, where there is no treebank."""

import random

from vestige.data.treebank import Sentence

LEXICON = {"VERB": 12, "NOUN": 20, "ADJ": 10, "DET": 3, "ADP": 6, "ADV": 6}
"""How many words each tag has; `noun3` is the fourth of the nouns."""


def sentences(count: int, seed: int) -> list[Sentence]:
    """Sentences of one verb, one or two noun phrases, adverbs, and prepositional phrases, most of four to twelve words.

    A preposition with an even number hangs on the noun before it, one with an odd number on the verb: tags alone do not
    tell.

    **Arguments:**

    - `count`: how many.
    - `seed`: the sentences are a function of it.
    """
    rng = random.Random(f"grammar/{seed}")
    return [_sentence(rng) for _ in range(count)]


def _sentence(rng: random.Random) -> Sentence:
    words: list[str] = []
    tags: list[str] = []
    heads: list[int] = []
    verb_dependents: list[int] = []

    def put(tag: str, head: int = -1) -> int:
        words.append(f"{tag.lower()}{rng.randrange(LEXICON[tag])}")
        tags.append(tag)
        heads.append(head)
        return len(words)

    def noun_phrase(*, may_be_longer: bool) -> int:
        before = [put(tag) for tag, share in (("DET", 0.7), ("ADJ", 0.4)) if rng.random() < share]
        noun = put("NOUN")
        for place in before:
            heads[place - 1] = noun
        if may_be_longer and rng.random() < 0.5:
            preposition = put("ADP")
            inner = noun_phrase(may_be_longer=False)
            heads[preposition - 1] = inner
            if int(words[preposition - 1].removeprefix("adp")) % 2:
                verb_dependents.append(inner)
            else:
                heads[inner - 1] = noun
        return noun

    verb_dependents.append(noun_phrase(may_be_longer=True))
    if rng.random() < 0.3:
        verb_dependents.append(put("ADV"))
    verb = put("VERB", 0)
    if rng.random() < 0.7:
        verb_dependents.append(noun_phrase(may_be_longer=True))
    if rng.random() < 0.3:
        verb_dependents.append(put("ADV"))
    for place in verb_dependents:
        heads[place - 1] = verb
    return Sentence(tuple(words), tuple(tags), tuple(heads))
