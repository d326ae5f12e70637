"""Simulation: the purchases of a file through the same pure decisions as the ledger, and what came of them."""
