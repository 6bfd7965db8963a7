"""The rule book that the settings name. The composition root reads it once, for the domains and for the API."""

from __future__ import annotations

from agents.rulebook import Rulebook, RulebookError, packaged_rulebook, packaged_text, parse_rulebook
from api.rules import AchievementRule, LevelRules, RewardRule, Rules
from deploy.errors import SettingsError
from deploy.settings import Settings, variable
from streams.times import DAY_US, MILLISECOND_US
from streams.units import Usd


def load_rulebook(settings: Settings) -> Rulebook:
    """Return the rule book that ASTRA_RULEBOOK names, or the packaged one, as it is in force in the installation.

    Raises:
        SettingsError: when the file cannot be read, or is no rule book. The message names the file and the key.
    """
    try:
        rulebook = packaged_rulebook() if settings.rulebook is None else parse_rulebook(rulebook_text(settings))
    except RulebookError as error:
        raise SettingsError(f"{variable('rulebook')}: {settings.rulebook}: {error}") from error
    return rulebook.in_force(archived=has_old_rows(settings, rulebook))


def has_old_rows(settings: Settings, rulebook: Rulebook) -> bool:
    """Return whether an archive has the rows that leave, because it keeps records for twice as long as they stay."""
    stay_ms = rulebook.rows.kept_days * DAY_US // MILLISECOND_US
    return settings.archive_url is not None and settings.archive_retention_ms >= 2 * stay_ms


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


def public_rules(rulebook: Rulebook) -> Rules:
    """Return what clients see of a rule book."""
    game = rulebook.gamification
    return Rules(
        version=rulebook.version,
        markets=dict(rulebook.trading.market_leverage_max),
        fee_ppm=rulebook.trading.fee_ppm,
        practice_balance_usd=Usd(rulebook.trading.practice_balance_usd).text(),
        levels=LevelRules(**game.levels.model_dump()),
        achievements=tuple(
            AchievementRule(name=rule.name, ss=rule.xp * game.xp.ss_per_achievement_xp, **rule.model_dump())
            for rule in game.achievements.listed
        ),
        win_rate_closes_min=game.achievements.win_rate_closes_min,
        rewards=tuple(RewardRule.model_validate(rule.model_dump()) for rule in game.rewards.listed),
        claim_days=game.rewards.claim_days,
        late_grace_h=rulebook.late_grace_h,
        kept_days=rulebook.rows.kept_days,
    )
