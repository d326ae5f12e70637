"""The commands of `commonpoint`, a file each; a command loads what it needs and no more."""
