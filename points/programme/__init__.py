"""Programme rules: pure functions from what a member has to what follows from it."""
