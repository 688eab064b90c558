"""Settings fit to be shown: what could be used to guess a password is left out. Pure."""

from __future__ import annotations

from collections.abc import Mapping

SECRETS = frozenset({"filter.basic_auth.users"})
HIDDEN = "(hash)"


def shown_setting(name: str, text: str) -> str:
    """The text, with `name:(hash)` for each user."""
    if name not in SECRETS:
        return text
    users = (user.strip().partition(":") for user in text.split(","))
    return ", ".join(f"{name}{colon}{HIDDEN if colon else ''}" for name, colon, _ in users)


def shown_settings(settings: Mapping[str, str]) -> dict[str, str]:
    """All of them."""
    return {name: shown_setting(name, text) for name, text in settings.items()}
