"""The transparency log: the Merkle tree over the facts, published so that nobody need trust us."""
