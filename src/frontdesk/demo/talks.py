"""What was said in the sample shop. One line a message: `c` the customer, `m` the team, `b:KEY` the rule that
answered."""

from typing import NamedTuple


class Line(NamedTuple):
    """One message of a talk. rule: the key of the rule whose answer this is."""

    author: str
    text: str
    rule: str | None = None


def talk(written: str) -> tuple[Line, ...]:
    """The lines of a talk as it is written below."""
    return tuple(_line(line.strip()) for line in written.strip().splitlines())


def _line(written: str) -> Line:
    who, _, text = written.partition(" ")
    if who.startswith("b:"):
        return Line("bot", "", who[2:])
    return Line({"c": "contact", "m": "member"}[who], text)


GENERAL = tuple(
    talk(written)
    for written in (
        """
        c Hi! Are you open on Saturday?
        b:hours
        c Great. Can I bring my bike for a service then?
        m Yes, please come before noon, then it is ready on Monday.
        c Saturday at 10 it is
        m I put you down. See you then!
        c Thank you 👍
        """,
        """
        c My rear tyre is flat again
        b:fallback
        m Oh no. Is it the same one we changed in spring?
        c Yes, the back one
        m Then there may be something in the rim tape. Bring it by, we look at it at no cost.
        c I'm there at five
        m Good, the workshop is open until half past six.
        c You are the best
        """,
        """
        c How much is a service with new brake pads?
        b:prices
        c And how long does it take?
        m Two working days at the moment. We lend you a bike if you need one.
        c Perfect, I would need one for Thursday
        m It's noted: a city bike for Thursday, size M?
        c M is right
        """,
        """
        c Do you rent e-bikes?
        b:rental
        c Two for the weekend please, Saturday and Sunday
        m Both are free. That is €140 for the two of you, helmets included.
        c Can we pick them up on Friday evening?
        m Yes, until 18:30. Please bring an identity card.
        c Booked then, thanks!
        m You're welcome. Have a good trip!
        """,
        """
        c Where exactly are you?
        b:where
        c Found it, but the gate is closed?
        m Sorry, I open it at once. Please ring at the blue door.
        c I see you 😀
        """,
        """
        c Is my bike ready?
        b:fallback
        m It is. New chain, new cassette, and we set the gears. €112 in all.
        c That was quick. Can I pay by card?
        m Card, cash, whatever you like.
        c Coming at 4
        m 👍
        c Got it, rides like new
        m We're happy to hear that. Come back after 300 km to have the chain checked.
        """,
        """
        c Can I speak to a person?
        b:person
        m Hello, this is the workshop. What can we do for you?
        c My brake squeals since yesterday and I ride with my daughter
        m Then let's not wait. Can you come today before closing?
        c In half an hour?
        m We keep a stand free for you.
        c Thank you so much
        """,
        """
        c Hello, do you buy used bikes?
        b:fallback
        m We take them in part exchange. Could you send a photo and the frame number?
        c I'll send them tonight
        m No hurry. From the brand and the year we can say roughly what it is worth.
        """,
        """
        c I left my lock at your shop this morning
        b:fallback
        m Black, with a green key?
        c That's the one!
        m It is safe with us at the counter.
        c I'll fetch it tomorrow, thanks
        """,
        """
        c what does a puncture cost
        b:prices
        c ok coming now
        m Come in, nobody is waiting.
        """,
    )
)

IN_LANGUAGE = {
    language: talk(written)
    for language, written in {
        "de": """
        c Hallo, wie sind die Öffnungszeiten?
        b:hours
        c Danke! Mein E-Bike zeigt Fehler 503, kennt ihr das?
        m Das ist der Sensor am Hinterrad, meist nur verrutscht. Bring es vorbei, das dauert zehn Minuten.
        c Super, ich komme morgen früh
        m Bis morgen!
        """,
        "es": """
        c Buenas, ¿se pueden alquilar bicis para niños?
        b:rental
        c Necesito dos para el domingo, mis hijas tienen 6 y 9 años
        m Perfecto, tenemos las dos tallas. ¿A qué hora vienen?
        c A las once
        m Los domingos cerramos; ¿pueden recogerlas el sábado antes de las 14?
        c Sí, sin problema. ¡Gracias!
        """,
        "fr": """
        c Bonjour, je voudrais louer un vélo pour trois jours
        b:rental
        c Un vélo électrique, à partir de vendredi
        m C'est possible : 35 € par jour, donc 105 € pour les trois jours.
        c Parfait, je le prends
        m C'est réservé. À vendredi !
        """,
        "it": """
        c Ciao, la batteria della mia e-bike dura solo 20 km
        b:fallback
        m Ciao! Quanti anni ha la batteria?
        c Quasi quattro
        m Allora conviene misurarla. Il test costa 25 € e si fa in giornata.
        c Va bene, passo giovedì
        """,
        "ar": """
        c مرحبا، هل لديكم دراجات للإيجار يوم الجمعة؟
        b:fallback
        m Hello! Yes, how many do you need, and for whom?
        c اثنتان للكبار وواحدة لطفل عمره 8 سنوات
        m All three are free on Friday. €39 together, helmets included.
        c ممتاز، شكراً جزيلاً
        m You're welcome. We open at 9:00.
        """,
        "he": """
        c שלום, אפשר להזמין תיקון ליום שלישי?
        b:fallback
        m Shalom! Tuesday at 11 is free. What shall we repair?
        c הבלמים וההילוכים
        m Good, that takes about two hours.
        c תודה רבה, נתראה
        """,
        "pt": """
        c Bom dia, as três bicicletas da empresa já estão prontas?
        b:fallback
        m Bom dia! Duas sim, a terceira espera uma peça até quinta-feira.
        c Sem problema. Podem enviar a fatura por correio eletrónico?
        m I've sent the invoice by mail.
        c Recebida, obrigado
        """,
        "zh": """
        c 你好，修自行车要多少钱？
        b:fallback
        m Hello! What is wrong with it?
        c 链条总是掉
        m Usually it needs a new chain: €38 with work. It takes half an hour.
        c 好的，明天来
        """,
    }.items()
}

# How the newest talks end: nobody has answered these yet.
UNANSWERED = (
    ("The repaired light does not work, and I have to ride home in the dark today",),
    ("Do you have a child seat for the back?", "My daughter is 3"),
    ("Can I move my appointment to Thursday?",),
    ("Is the blue city bike in the window still for sale?", "And could I try it tomorrow?"),
    ("The battery does not charge any more", "A red light blinks twice", "What should I do?"),
    ("هل يمكنني تمديد الإيجار يوماً آخر؟",),
    ("Hi, this is Julia. The delivery bike is back in the yard 🙂",),
)

ADVERTISING = talk(
    """
    c Congratulations! You won a voucher, click here to claim it
    b:fallback
    c Last chance today!!!
    c Why don't you answer?
    """
)
