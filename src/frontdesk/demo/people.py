"""The customers of the sample shop, which rents and repairs bicycles. Their numbers follow each country's shape and
are made up."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """One customer. phone: digits; None for who shows a username only. given: what the team calls them, where it
    differs."""

    name: str
    phone: str | None = None
    username: str | None = None
    language: str = "en"
    tags: tuple[str, ...] = ()
    note: str = ""
    given: str | None = None


PEOPLE = (
    Person("Amina Okafor", "2348035550142", tags=("Regular",), note="Prefers the afternoon. Her city bike is from 2021."),
    Person("Luca Moretti", "393335550117", language="it", tags=("E-bike",)),
    Person("Priya Sharma", "919855500188"),
    Person("João Pereira", "351915550163", language="pt", tags=("Regular", "Company")),
    Person("陈伟", "8613855500172", language="zh", given="Chen Wei"),
    Person("فاطمة السيد", "971505550129", language="ar", tags=("Rental",)),
    Person("Noah Fischer", "4915155500172", language="de", tags=("E-bike",)),
    Person("Sofia Lindqvist", "46705550136", language="sv"),
    Person("Diego Ramírez", "5215555500151", language="es", tags=("Rental",)),
    Person("zainab.a", username="zainab.a"),
    Person("יעל כהן", "972545550148", language="he"),
    Person("Emma Wilson", "447700900173", tags=("Regular",)),
    Person("Yuki Tanaka", "819055500134", language="ja"),
    Person("Mehmet Yılmaz", "905325550119", language="tr"),
    Person("Léa Dubois", "33655500127", language="fr", tags=("Rental",)),
    Person("Oluwaseun Adeyemi-Blackwood", "2348055550117"),
    Person("Ana Kovačević", "385915550126", language="hr"),
    Person(
        "Pieter van den Berg",
        "31655500181",
        language="nl",
        tags=("Company",),
        note="Eight rental bikes for the summer party.",
    ),
    Person("Grace Mbeki", "27825550164"),
    Person("🌸 Mia 🌸", "61455500139"),
    Person("nightrider_77", username="nightrider_77", tags=("E-bike",)),
    Person("Tomasz Wiśniewski", "48601555018", language="pl"),
    Person("Ngozi Eze", "2348075550139", tags=("Regular",)),
    Person("Carlos Mendoza", "573155550143", language="es"),
    Person("Hanna Schäfer", "4917655500115", language="de", tags=("Regular", "E-bike")),
    Person("Arjun Patel", "919955500121"),
    Person("Siobhán O'Brien", "353855550172"),
    Person("محمد العتيبي", "966555500118", language="ar"),
    Person("Ingrid Haugen", "4790555012", language="nb"),
    Person("Kwame Boateng", "233245550163"),
    Person("Isabella Rossi", "393475550198", language="it", tags=("Rental",)),
    Person("Nguyễn Thị Lan", "84915550144", language="vi"),
    Person("Olena Shevchenko", "380675550127", language="uk"),
    Person("hello.julia", username="hello.julia", given="Julia from the café"),
    Person("Jack Thompson", "14165550138"),
    Person("Maria Papadopoulou", "306975550116", language="el"),
    Person("Fatou Diallo", "221775550149", language="fr"),
    Person("Lars Nielsen", "4520555017", language="da", tags=("Company",)),
    Person("Win Big Prizes", "12025550196", note="Advertising."),
    Person("Chloé Martin", "33755500158", language="fr", tags=("Regular",)),
)
