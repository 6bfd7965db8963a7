"""The rule book that the settings name. The composition root reads it once, for the domains and for the API."""

from __future__ import annotations

from agents.rulebook import Rulebook, RulebookError, packaged_rulebook, packaged_text, parse_rulebook
from deploy.errors import SettingsError
from deploy.settings import Settings, variable


def load_rulebook(settings: Settings) -> Rulebook:
    """Return the rule book that ASTRA_RULEBOOK names, or the packaged one.

    Raises:
        SettingsError: when the file cannot be read, or is no rule book. The message names the file and the key.
    """
    if settings.rulebook is None:
        return packaged_rulebook()
    try:
        return parse_rulebook(rulebook_text(settings))
    except RulebookError as error:
        raise SettingsError(f"{variable('rulebook')}: {settings.rulebook}: {error}") from error


def rulebook_text(settings: Settings) -> str:
    """Return the text of the rule book that ASTRA_RULEBOOK names, or of the packaged one.

    Raises:
        SettingsError: when the file cannot be read.
    """
    path = settings.rulebook
    try:
        return packaged_text() if path is None else path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{variable('rulebook')}: cannot read {path}: {error}") from error
