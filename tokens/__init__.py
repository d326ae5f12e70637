"""The ledger mirrored on a chain: a follower, an indexer that survives reorganisations, and a reconciliation."""
