"""The second opinion: everything a log says of itself, checked by those who trust nobody."""
