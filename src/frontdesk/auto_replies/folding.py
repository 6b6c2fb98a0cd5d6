"""Text as rules compare it: capitals, accents, width and spacing do not count.

What is decided here, for every script:
- Accents and vowel points go, as people leave them out on a phone: é, Arabic harakat and hamza above a letter, Hebrew
  niqqud, Vietnamese tones, й = и, ё = е. Signs that make another letter stay: Indic vowels and viramas, Thai vowels and
  tones, kana's voicing.
- ß and ẞ are ss; letters that only look accented have their plain form (ø o, ł l, đ d, æ ae, œ oe, þ th, ð d, ħ h).
- Turkish ı and İ are both i: "FIYAT" in capitals must find "fiyat" as well as "fıyat".
- Curly quotes, apostrophes and dashes are the straight ones; a keycap is its digit; emoji lose skin tone and variation.
- Format characters that nobody sees (direction marks, joiners, soft hyphens) go; white space is one space.
Scripts written without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese, Tibetan), Korean with its attached
particles, and emoji have no word borders to respect, so a keyword in them is found anywhere; in all others it must
stand as whole words.
"""

import re
from typing import Final
from unicodedata import category, normalize

from frontdesk.folding import tamed

# Explicit ranges, because a combining class alone does not tell an accent from a vowel.
_MARKS: Final = re.compile(
    "["
    "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"  # Latin, Greek, Cyrillic, keycaps
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # Hebrew
    "\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"  # Arabic, tatweel
    "\u08ca-\u08e1\u08e3-\u08ff"
    "\u0730-\u074a\u093c\u09bc\u0a3c\u0abc\u0b3c\u0cbc"  # Syriac; the nukta of Indic scripts
    "\ufe00-\ufe0f\U000e0100-\U000e01ef\U0001f3fb-\U0001f3ff"  # variation selectors, skin tones
    "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # never seen
    "]+"
)
_UNSPACED_RANGES: Final = (
    "\u0e00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u1b00-\u1b7f\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029"
    "\u3031-\u3035\u3038-\u303c\u3040-\u31ff\u3400-\u4dbf\u4e00-\ua4cf\ua960-\ua9ff\uaa60-\uaadf\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc"
    "\U0001aff0-\U0001b16f\U00020000-\U0003ffff"
)
_UNSPACED: Final = re.compile(f"[{_UNSPACED_RANGES}]")
_RUNS: Final = re.compile(rf"[^\W_{_UNSPACED_RANGES}]+")
_NO_LETTERS: Final = {at: " " for at in range(128) if not chr(at).isalnum()}
_LETTERS: Final = str.maketrans({
    "ı": "i", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe", "þ": "th",
    "’": "'", "‘": "'", "ʼ": "'", "ʹ": "'", "′": "'", "‛": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
    "‐": "-", "–": "-", "—": "-", "−": "-",
})  # fmt: skip
_PUNCTUATION: Final = " .,;:!?…¡¿\"'()[]-،؛؟。、！？·~"


def fold(text: str) -> str:
    """The text as rules compare it. Folding twice changes nothing more."""
    if text.isascii():  # most messages; the long way gives the same
        return " ".join(text.lower().split())
    letters = _MARKS.sub("", normalize("NFKD", tamed(text))).casefold()
    if not letters.isascii():
        letters = letters.translate(_LETTERS)
    if not letters.isascii():
        letters = normalize("NFC", _MARKS.sub("", normalize("NFKD", letters)))
    return " ".join(letters.split())


def trim(folded: str) -> str:
    """Folded text without the punctuation around it; punctuation alone stays."""
    return folded.strip(_PUNCTUATION) or folded


def runs(folded: str) -> list[str]:
    """The runs of letters and digits of spaced scripts in folded text.

    Whatever `contains` finds has all its runs among the runs of the text: an index may be built on that.
    """
    return folded.translate(_NO_LETTERS).split() if folded.isascii() else _RUNS.findall(folded)


def contains(folded: str, wanted: str) -> bool:
    """Whether the wanted words stand in the text as whole words."""
    at = folded.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        if not (at and _one_word(folded[at - 1], wanted[0])) and not (end < len(folded) and _one_word(wanted[-1], folded[end])):
            return True
        at = folded.find(wanted, at + 1)
    return False


def starts_with(folded: str, wanted: str) -> bool:
    """Whether the text begins with the wanted words, as whole words."""
    return folded.startswith(wanted) and not (len(folded) > len(wanted) and _one_word(wanted[-1], folded[len(wanted)]))


def _one_word(left: str, right: str) -> bool:
    return _joins(left) and _joins(right)


def _joins(letter: str) -> bool:
    return category(letter)[0] in "LNM" and not _UNSPACED.match(letter)
