"""The whole product in front of people: Chromium at the real processes, everything live."""
