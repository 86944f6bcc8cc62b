"""The metrics of texts with a structure, in the order in which they are shown."""

from vestige.report.metric_facts import Metric

_DEPTHS = range(1, 6)  # further ones have a name made of their own
TEXT_METRICS = (
    Metric(
        "perplexity",
        "Perplexity",
        "By token, the length known and without a token for the end; where a structure is latent, from a bound of 50 "
        "importance samples, which in the mean is not below the exact one.",
        "lower",
    ),
    Metric(
        "perplexity_exact",
        "Perplexity, exact",
        "The same of all words there are, the probability summed over all structures.",
        "lower",
    ),
    Metric(
        "perplexity_elbo",
        "Perplexity, one sample",
        "The same from the evidence lower bound, which is looser.",
        "lower",
        role="diagnostic",
    ),
    Metric(
        "perplexity_best",
        "Perplexity, best possible",
        "That of the distribution from which the words are drawn.",
        "lower",
        role="baseline",
    ),
    Metric("balanced", "Balanced", "Part of the generated words whose brackets are balanced.", "higher"),
    Metric(
        "tree_kl",
        "KL, tree",
        "KL of the tree given the text from the tree before, in nats a text: what the tree says of the text.",
        None,
        "nats",
        role="diagnostic",
    ),
    Metric(
        "tree_depth",
        "Levels by token",
        "Levels of the tree of generation by token: 1 where each token but the last has one below it.",
        None,
        role="diagnostic",
    ),
    Metric(
        "right_children",
        "Right children",
        "Part of the tokens below another that lie right of it: 1 where texts are generated from left to right.",
        None,
        role="diagnostic",
    ),
    Metric("subset_precision", "Marked words", "Part of the words drawn that people marked.", "higher"),
    Metric(
        "subset_precision_mode",
        "Marked words, likeliest",
        "Part of the k likeliest words that people marked.",
        "higher",
    ),
    Metric(
        "precision_random", "Marked words, evenly", "Of k words drawn evenly from a text.", "higher", role="baseline"
    ),
    Metric(
        "precision_tfidf", "Marked words, tf-idf", "Of the k words with the highest tf-idf.", "higher", role="baseline"
    ),
    Metric("uas", "Heads found", "Part of the words whose head is found (unlabelled attachment score).", "higher"),
    Metric(
        "uas_previous", "Heads, word before", "Where every word hangs on the one before it.", "higher", role="baseline"
    ),
    Metric("uas_next", "Heads, word after", "Where every word hangs on the one after it.", "higher", role="baseline"),
    Metric(
        "arc_precision",
        "Arcs, precision",
        "Part of the arcs drawn that are true, mean over texts. Chance: all tokens hang on the first one.",
        "higher",
    ),
    Metric("arc_recall", "Arcs, recall", "Part of the true arcs that are drawn, mean over texts.", "higher"),
    Metric(
        "clean_precision",
        "Arcs without brackets, precision",
        "The same, without the arcs of closing brackets.",
        "higher",
    ),
    Metric(
        "clean_recall",
        "Arcs without brackets, recall",
        "Part of the true arcs that are drawn, without those of closing brackets.",
        "higher",
    ),
    Metric("exact_parse", "Whole parse", "Part of the texts all of whose arcs are true.", "higher"),
    Metric(
        "accuracy_mode",
        "Accuracy, likeliest arcs",
        "With the structure at the mean arrival times in place of a draw.",
        "higher",
    ),
    Metric(
        "arc_precision_mode",
        "Precision, likeliest arcs",
        "Part of the arcs of the structure at the mean arrival times that are true.",
        "higher",
    ),
    Metric(
        "clean_precision_mode",
        "Precision without brackets, likeliest arcs",
        "The same, without the arcs of closing brackets.",
        "higher",
    ),
    Metric(
        "exact_parse_mode",
        "Whole parse, likeliest arcs",
        "Part of the texts of which the structure at the mean arrival times is the true one.",
        "higher",
    ),
    *(
        Metric(f"accuracy_depth_{depth}", f"Accuracy, depth {depth}", "Of the expressions nested so deep.", "higher")
        for depth in _DEPTHS
    ),
    *(
        Metric(
            f"arc_precision_depth_{depth}",
            f"Arcs, precision, depth {depth}",
            "Of the expressions nested so deep.",
            "higher",
        )
        for depth in _DEPTHS
    ),
)
