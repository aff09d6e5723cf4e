"""The second opinion: everything once more from the log's rows, each checked against its hash."""
