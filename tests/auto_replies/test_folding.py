"""What does not count when words are compared, in every script."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.auto_replies.folding import contains, fold, runs, starts_with, trim

ANY_TEXT = st.text(max_size=60)


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("PRICE", "price"),
        ("Café  crème\n", "cafe creme"),
        ("Größe STRAẞE", "grosse strasse"),
        ("Łódź Đà Nẵng smørrebrød Œuvre", "lodz da nang smorrebrod oeuvre"),
        ("İSTANBUL FIYAT fıyat", "istanbul fiyat fiyat"),
        ("أهلاً وسَهْلاً", "اهلا وسهلا"),
        ("الســـلام", "السلام"),
        ("שָׁלוֹם", "שלום"),
        ("Ещё МОЙ", "еще мои"),
        ("ΆΝΘΡΩΠΟΣ", "ανθρωποσ"),
        ("ｗｉｆｉ ﬁne", "wifi fine"),
        ("what’s up — “now”", 'what\'s up - "now"'),
        ("👍🏽 ❤️", "👍 ❤"),
        ("1️⃣", "1"),
        ("\u200fשלום\u200f", "שלום"),
        ("का", "का"),
        ("가격", "가격"),
        ("がんこ", "がんこ"),
        ("ราคา", "ราคา"),
        ("\u00a0 \u3000", ""),
        ("\u200d\u0301", ""),
    ],
)
def test_what_is_compared(written: str, compared: str) -> None:
    assert fold(written) == compared


@pytest.mark.parametrize(
    ("text", "wanted", "found"),
    [
        ("hi there", "hi", True),
        ("this is it", "hi", False),
        ("oh, hi!", "hi", True),
        ("how much is it", "how much", True),
        ("somehow much", "how much", False),
        ("l'addition s'il vous plait", "addition", True),
        ("room 15", "5", False),
        ("请问价格多少", "价格", True),
        ("免费wifi吗", "wifi", True),
        ("freewifi", "wifi", False),
        ("가격은 얼마예요", "가격", True),
        ("ขอราคาหน่อย", "ราคา", True),
        ("कीमत", "की", False),
        ("क्या की", "की", True),
        ("مرحبا كم السعر", "السعر", True),
        ("ok👍👍", "👍", True),
        ("i like c++!", "c++", True),
        ("objc++", "c++", False),
        ("aaa aa", "aa", True),
        ("", "hi", False),
    ],
)
def test_words_are_whole_words_where_words_have_borders(text: str, wanted: str, found: bool) -> None:
    assert contains(fold(text), trim(fold(wanted))) is found


def test_a_start_is_a_whole_word_too() -> None:
    assert starts_with("hi there", "hi")
    assert not starts_with("hill", "hi")
    assert starts_with("价格多少", "价格")


def test_punctuation_around_does_not_count_but_alone_it_does() -> None:
    assert trim("¡price?!") == "price"
    assert trim("???") == "???"
    assert trim("c++") == "c++"


@given(ANY_TEXT)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert trim(trim(fold(text))) == trim(fold(text))


@given(st.text(string.ascii_letters + "äöüéñçğşÀÔ абвгёйЖЩ", min_size=1), st.sampled_from("\u0301\u0308\u0327\ufe0f\u200d"))
def test_case_and_accents_never_matter(text: str, mark: str) -> None:
    assert fold(text.upper()) == fold(text) == fold(text.lower()) == fold(mark.join(text))


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_an_index_of_runs_loses_nothing(before: str, wanted: str, after: str) -> None:
    text, wanted = fold(before + wanted + after), trim(fold(wanted))
    if wanted and (contains(text, wanted) or starts_with(trim(text), wanted)):
        assert set(runs(wanted)) <= set(runs(text))
