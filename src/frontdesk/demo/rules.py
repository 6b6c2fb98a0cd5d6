"""The rules of the sample shop."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One auto reply. trigger: keyword or fallback; answered: how often it did, as its row says."""

    key: str
    name: str
    reply: str
    match: str | None = "contains"
    keywords: tuple[str, ...] = ()
    cooldown_seconds: int = 0
    enabled: bool = True

    @property
    def trigger(self) -> str:
        """A rule without words answers what no other did."""
        return "keyword" if self.keywords else "fallback"


RULES = (
    Rule(
        "hours",
        "Opening hours",
        "We are open Monday to Friday from 9:00 to 18:30 and on Saturday from 9:00 to 14:00.",
        keywords=("open", "opening hours", "closed", "öffnungszeiten", "horario"),
        cooldown_seconds=3600,
    ),
    Rule(
        "prices",
        "Prices",
        "A service is €59, with new brake pads €84. A puncture is €18, done while you wait.",
        keywords=("price", "how much", "cost", "preis", "precio"),
    ),
    Rule(
        "where",
        "Where we are",
        "You find us at 14 Mill Lane, behind the station. There is room to park bikes in the yard.",
        keywords=("where", "address", "adresse", "parking"),
        cooldown_seconds=3600,
    ),
    Rule(
        "rental",
        "Rental",
        "City bikes are €15 a day, e-bikes €35, children's bikes €9. For which day, and how many?",
        keywords=("rent", "rental", "alquilar", "louer", "mieten"),
    ),
    Rule(
        "person",
        "A person, please",
        "Of course, {{contact.name}}. Somebody from the workshop will write to you here.",
        keywords=("person", "human", "somebody real"),
    ),
    Rule(
        "holiday",
        "Summer holiday",
        "We are on holiday until 19 August. In urgent cases call 555 0100.",
        match="starts_with",
        keywords=("hello",),
        enabled=False,
    ),
    Rule(
        "fallback",
        "Nothing else fits",
        "Thank you for your message. We have put it on the board in the workshop and answer soon.",
        match=None,
        cooldown_seconds=43200,
    ),
)
