"""The rules of the ledger, one file per kind of command: (book, command, ground) -> decisions. Pure."""
