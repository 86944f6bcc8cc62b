"""The metrics of texts with a structure, in the order in which they are shown."""

from vestige.report.metric_facts import Metric

TEXT_METRICS = (
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
    Metric("arc_precision", "Arcs, precision", "Part of the arcs drawn that are true, mean over texts.", "higher"),
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
)
