"""The outside: HTTP, pages, processes, and the wiring."""
