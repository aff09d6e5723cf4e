"""Files of other systems into facts: read, checked, and handed on as ordinary requests."""
