"""Revenue by the month. Imports nothing of ours."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Month:
    """One month, amounts in minor units. mrr: at its end; fresh, expansion, contraction, churn: what made it so; converted, lapsed: trials that
    became customers, or did not; failed: payments."""

    month: date
    mrr: int
    fresh: int
    expansion: int
    contraction: int
    churn: int
    paying: int
    came: int
    left_us: int
    trials: int
    converted: int
    lapsed: int
    failed: int

    @property
    def net(self) -> int:
        """What came in addition."""
        return self.fresh + self.expansion - self.contraction - self.churn

    @property
    def conversion(self) -> int | None:
        """Percent of the trials that ended in it and became customers; None when none ended."""
        ended = self.converted + self.lapsed
        return round(100 * self.converted / ended) if ended else None


def churn_rate(before: Month, month: Month) -> float | None:
    """Percent of the revenue of the month before that was lost in this one; None when there was none."""
    return round(100 * (month.churn + month.contraction) / before.mrr, 1) if before.mrr else None


def growth(before: Month, month: Month) -> float | None:
    """Percent by which revenue grew against the month before; None when there was none."""
    return round(100 * (month.mrr - before.mrr) / before.mrr, 1) if before.mrr else None
