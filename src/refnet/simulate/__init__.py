"""The simulator: a realistic referral network, and what was planted in it."""

from refnet.simulate.clock import SimulatedClock, seeded_entropy
from refnet.simulate.plant import write_plant
from refnet.simulate.run import Simulation, simulate

__all__ = ["SimulatedClock", "Simulation", "seeded_entropy", "simulate", "write_plant"]
