"""Where facts are kept: canonical bytes, one append-only table, one sequencer."""
