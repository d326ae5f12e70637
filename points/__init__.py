"""The ledger and the programme: every number a customer sees comes from here."""
