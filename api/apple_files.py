"""The identity that the settings name by files."""

from kernel.settings import Settings
from passes.apple.identity import Identity


def file_identity(settings: Settings) -> Identity | None:
    """The checked identity of the settings' files, None when they name none. Raises BadIdentity.

    Pass type and team of the settings must be those of the certificate, in so far as they were given.
    """
    if settings.apple_certificate is None or settings.apple_key is None or settings.apple_wwdr is None:
        return None
    given = settings.model_fields_set
    return Identity.load(
        settings.apple_certificate,
        settings.apple_key,
        settings.apple_wwdr,
        pass_type=settings.apple_pass_type if "apple_pass_type" in given else None,
        team=settings.apple_team if "apple_team" in given else None,
    )


def chosen_pass_type(settings: Settings) -> str:
    """The pass type that the settings name for new passes; "" when they leave it open."""
    return settings.apple_pass_type if "apple_pass_type" in settings.model_fields_set else ""
