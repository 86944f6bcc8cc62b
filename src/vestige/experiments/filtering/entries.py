"""The experiments of the catalogue with filters."""

from vestige.experiments.entry import Entry
from vestige.experiments.filtering.models import REFH, RVAE, Factor
from vestige.experiments.filtering.options import Filtering
from vestige.experiments.filtering.published import published
from vestige.experiments.filtering.tasks import Balls, File, Motion, Music, Places, Ring, Sensors, Text
from vestige.experiments.optimisers import Adam

_PAPER = "Makin, Dichter & Sabes 2016 (arXiv:1605.05799); Abdulsalam & Makin 2023"

RING_TRACKING = Entry(
    name="ring-tracking",
    title="Ring tracking",
    summary="something moves on a ring; a population of neurons reports where it is, never how fast",
    paper=_PAPER,
    presets={
        "small": Filtering(Ring(), REFH(), steps=50_000, judged=160, watched=5),
        "cpu": Filtering(Ring(), REFH(480), steps=200_000, judged=160, watched=10),
        "paper": Filtering(Ring("two-dimensional"), REFH(1125), steps=1_200_000),
    },
    durations={"small": "2 min, 2 CPU cores", "cpu": "15 min, 2 CPU cores", "paper": "hours, 1 GPU"},
    published=published,
)

SENSOR_FUSION = Entry(
    name="sensor-fusion",
    title="Sensor fusion",
    summary="a number that drifts, seen by several noisy sensors: the rule's fixed point is the Kalman filter",
    paper="Makin, Dichter & Sabes 2016 (arXiv:1605.05799), the solvable case of the notes",
    presets={
        "small": Filtering(Sensors(), Factor(), chunk=10, steps=4000),
        "cpu": Filtering(Sensors(), Factor(), chunk=10, steps=20_000),
        "paper": Filtering(Sensors(3), Factor(), chunk=10, steps=40_000),
    },
    durations={"small": "20 s, 2 CPU cores", "cpu": "1 min, 2 CPU cores", "paper": "2 min, 2 CPU cores"},
    published=published,
)

BOUNCING_BALLS = Entry(
    name="bouncing-balls",
    title="Bouncing balls",
    summary="films of balls in a box; the next frame is to be foretold",
    paper=_PAPER,
    presets={
        "small": Filtering(Balls(), RVAE(128, 512), chunk=10, optimiser=Adam(2e-3, "cosine", 0), steps=4000, batch=32),
        "cpu": Filtering(Balls(), RVAE(128, 512), chunk=10, optimiser=Adam(2e-3, "cosine", 0), steps=40_000, batch=32),
        "paper": Filtering(Balls(resolution=30), REFH(400, sweeps=25), steps=1_000_000, batch=1),
    },
    durations={"small": "3 min, 2 CPU cores", "cpu": "30 min, 2 CPU cores", "paper": "hours, 1 GPU"},
    published=published,
)

MOCAP = Entry(
    name="mocap",
    title="Motion capture",
    summary="people walk; the next frame of their joint angles is to be foretold",
    paper=_PAPER,
    presets={
        "small": Filtering(Motion(), RVAE(128, 256, horizon=1), steps=10_000),
        "cpu": Filtering(Motion(nth=1), RVAE(128, 256, horizon=1), steps=30_000),
        "paper": Filtering(Motion(changes=False, time=100), REFH(200), steps=15_000, batch=400),
    },
    durations={"small": "1 min, 2 CPU cores", "cpu": "2 min, 2 CPU cores", "paper": "1 h, 2 CPU cores"},
    published=published,
)

MUSIC = Entry(
    name="music",
    title="Polyphonic music",
    summary="piano rolls of 88 keys; how probable is the next chord",
    paper=_PAPER,
    presets={
        "small": Filtering(Music(), RVAE(), chunk=2, steps=12_000, watched=3),
        "cpu": Filtering(Music(), RVAE(128, 256), chunk=2, steps=60_000, batch=100, watched=3),
        "paper": Filtering(Music(time=400), REFH(120), steps=32_000, batch=100, watched=3),
    },
    durations={"small": "3 min, 2 CPU cores", "cpu": "20 min, 2 CPU cores", "paper": "20 min, 2 CPU cores"},
    published=published,
)

TEXT = Entry(
    name="text",
    title="Text",
    summary="one character after the other",
    paper=_PAPER,
    presets={
        "small": Filtering(Text(), RVAE(64), chunk=4, optimiser=Adam(5e-3, "cosine", 0), steps=20_000, watched=3),
        "cpu": Filtering(Text(), RVAE(256, 512), chunk=4, steps=60_000, watched=3),
        "paper": Filtering(Text(), REFH(100), steps=100_000, batch=1, watched=3),
    },
    durations={"small": "2 min, 2 CPU cores", "cpu": "20 min, 2 CPU cores", "paper": "20 min, 2 CPU cores"},
    published=published,
)

HIPPOCAMPUS = Entry(
    name="hippocampus",
    title="Hippocampus",
    summary="spikes of place cells of an animal that runs; where is it",
    paper="Makin et al. 2018 (J. Neural Eng.) decode arm movement so; the data are nelpy's",
    presets={
        "small": Filtering(Places(), RVAE(), steps=6000),
        "cpu": Filtering(Places("w-maze"), RVAE(64, 256), steps=30_000),
        "paper": Filtering(Places("w-maze"), RVAE(128, 512), steps=100_000),
    },
    durations={"small": "1 min, 2 CPU cores", "cpu": "5 min, 2 CPU cores", "paper": "30 min, 2 CPU cores"},
    published=published,
)

RECORDINGS = Entry(
    name="recordings",
    title="Recordings of one's own",
    summary="files of one's own: the next observation is foretold, outcomes are read out; without any, an example",
    paper=_PAPER,
    presets={
        "small": Filtering(File(), RVAE(), steps=6000, watched=6),
        "cpu": Filtering(File(), RVAE(64, 256), steps=60_000),
        "paper": Filtering(File(), REFH(), steps=50_000),
    },
    durations={"small": "1 min, 2 CPU cores", "cpu": "10 min, 2 CPU cores", "paper": "2 min, 2 CPU cores"},
    published=published,
)

FILTERING = (RING_TRACKING, SENSOR_FUSION, BOUNCING_BALLS, MOCAP, MUSIC, TEXT, HIPPOCAMPUS, RECORDINGS)
