"""The metrics of multi-object tracking, in the order in which they are shown."""

from vestige.report.metric_facts import Metric

_NEAREST = "nearest detection, one by one"
_HUNGARIAN = "constant velocity and the Hungarian algorithm"
_KALMAN = "a Kalman filter that is given the physics"

TRACKING_METRICS = (
    Metric(
        "identity_accuracy",
        "Identities",
        "Part of the detections that are given to the right object, mean over the frames after the first.",
        "higher",
        best=1.0,
    ),
    Metric(
        "identity_accuracy_last",
        "Identities, last frame",
        "The same at the last frame.",
        "higher",
        best=1.0,
    ),
    Metric(
        "detection_bound",
        "Negative bound",
        "Negative evidence bound by detection, each frame given those before, in nats per unit square.",
        "lower",
        "nats",
    ),
    Metric(
        "identity_accuracy_assigned",
        "Identities, best assignment",
        "Identities when every frame is named by the one-to-one assignment of the highest total score.",
        "higher",
        role="diagnostic",
    ),
    Metric(
        "detection_bound_matched",
        "Negative bound, matched",
        "Negative bound of these networks when a matching is their latent, whatever they were trained with, in nats.",
        "lower",
        "nats",
        role="diagnostic",
    ),
    Metric(
        "identity_nearest",
        "Identities, nearest detection",
        "Identities by the nearest detection, which several tracks may take.",
        role="baseline",
        of="identity_accuracy",
        who=_NEAREST,
    ),
    Metric(
        "identity_hungarian",
        "Identities, Hungarian",
        "Identities by constant velocity and the assignment of least total squared distance.",
        role="baseline",
        of="identity_accuracy",
        who=_HUNGARIAN,
    ),
    Metric(
        "identity_hungarian_last",
        "Identities, Hungarian, last frame",
        "Constant velocity and the best assignment, at the last frame.",
        role="baseline",
        of="identity_accuracy_last",
        who=_HUNGARIAN,
    ),
    Metric(
        "identity_kalman",
        "Identities, Kalman",
        "Identities by a Kalman filter that is given noise, speeds and walls, and the best assignment.",
        role="baseline",
        of="identity_accuracy",
        who=_KALMAN,
    ),
    Metric(
        "identity_kalman_last",
        "Identities, Kalman, last frame",
        "The same at the last frame.",
        role="baseline",
        of="identity_accuracy_last",
        who=_KALMAN,
    ),
)
