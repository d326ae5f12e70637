"""The coalition: who is in it, under which terms, and who owes whom."""
