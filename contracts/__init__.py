"""The coalition's contract: its sources, and the compiled form that is committed beside them."""

from contracts.artifact import Artifact, load

__all__ = ["Artifact", "load"]
