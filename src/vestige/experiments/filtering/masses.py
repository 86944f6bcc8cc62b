"""The masses of the authors' programs (rbmish) for the harmoniums of each kind of data; nothing here imports JAX."""

from vestige.experiments.optimisers import MassSpringDamper

POPULATION = MassSpringDamper()
PLANE = MassSpringDamper("logistic", input_weights=500.0, input_bias=120.0, hidden_bias=120.0)
FILMS = MassSpringDamper("hyperbolic", state_bias=50.0, input_weights=50.0, input_bias=50.0, hidden_bias=50.0)
MOTION = MassSpringDamper(state_weights=16.0, input_weights=100.0, state_bias=8.0, input_bias=50.0, hidden_bias=50.0)
NOTES = MassSpringDamper(state_weights=100.0, input_weights=100.0, state_bias=50.0, input_bias=50.0, hidden_bias=50.0)
LETTERS = MassSpringDamper("hyperbolic", 4000, 100.0, 100.0, 100.0, 100.0, 100.0)
