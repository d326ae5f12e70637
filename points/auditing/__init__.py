"""The invariants of the ledger as checks that can be run at any moment."""
