"""Programme files for tests: a small valid one, and the faults of a broken one."""

from points.programme.faults import Fault
from points.programme.schema.programme import Programme
from points.programme.text import ProgrammeFaults, read_programme

HEAD = """\
programme: corner_cafe
names: {en: Corner café, fi: Kulmakahvila}
zone: Europe/Helsinki
currency: EUR
"""


def programme(rest: str = "") -> Programme:
    """The programme of HEAD and what follows it."""
    return read_programme(HEAD + rest)


def faults(text: str | bytes) -> list[Fault]:
    """What is wrong with a text; empty if it is a programme."""
    try:
        read_programme(text)
    except ProgrammeFaults as refused:
        return list(refused.faults)
    return []


def messages(rest: str) -> list[tuple[str, str]]:
    """(path, message) of the faults of HEAD and what follows it."""
    return [(fault.path, fault.message) for fault in faults(HEAD + rest)]
