"""The evidence harness: what a score model is worth, measured (score-model sections 5 to 11)."""
