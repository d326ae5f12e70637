"""`python -m api` is `commonpoint`."""

from api.cli import main

main(prog_name="commonpoint")
