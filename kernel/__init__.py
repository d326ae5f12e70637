"""The ground: knows nothing of loyalty."""
