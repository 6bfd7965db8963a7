"""The rule book that the settings name. The composition root reads it once, for the domains and for the API."""

from __future__ import annotations

from agents.rulebook import Rulebook, RulebookError, packaged_rulebook, parse_rulebook
from deploy.errors import SettingsError
from deploy.settings import Settings, variable


def load_rulebook(settings: Settings) -> Rulebook:
    """Return the rule book that ASTRA_RULEBOOK names, or the packaged one.

    Raises:
        SettingsError: when the file cannot be read, or is no rule book; it names the file and the key.
    """
    path = settings.rulebook
    if path is None:
        return packaged_rulebook()
    try:
        return parse_rulebook(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{variable('rulebook')}: cannot read {path}: {error}") from error
    except RulebookError as error:
        raise SettingsError(f"{variable('rulebook')}: {path}: {error}") from error
