"""Languages in words."""

from babel import Locale, UnknownLocaleError


def language_name(code: str | None, locale: str = "en") -> str | None:
    """`de` is German, `pt-BR` is Portuguese (Brazil); a code that nobody knows stays as it is."""
    if not code:
        return None
    try:
        return Locale.parse(code, sep="-" if "-" in code else "_").get_display_name(locale) or code
    except (UnknownLocaleError, ValueError):
        return code
