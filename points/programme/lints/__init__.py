"""What is unwise in a programme, subject by subject. Estimates, never decisions: they only advise."""
