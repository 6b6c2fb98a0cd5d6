"""What a browser says it is, in two words a user recognizes."""

BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chromium", "Chromium"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
    ("curl/", "curl"), ("python", "Python"),
)  # fmt: skip
SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"), ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


def device(user_agent: str | None) -> str:
    """`Firefox on Windows`; what is not recognized is left out, and nothing at all is `Unknown device`."""
    said = (user_agent or "").lower()
    browser = next((name for mark, name in BROWSERS if mark.lower() in said), None)
    system = next((name for mark, name in SYSTEMS if mark.lower() in said), None)
    return f"{browser} on {system}" if browser and system else browser or system or "Unknown device"
