"""The ways in which a pair can recognise, by the endings of their metrics."""

from vestige.models.tied import AbstractRecognition, PlainForward, Sampled, VariancePropagation

RECOGNITIONS: dict[str, AbstractRecognition] = {
    "ap1": PlainForward(),
    "ap2": VariancePropagation(),
    "sampled": Sampled(100),
}
