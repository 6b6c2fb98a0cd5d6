"""How a figure is printed: `name value unit limit=… ratio=… target=…`."""

from statistics import median


def show(name: str, value: float, unit: str, *, limit: float | None = None, ratio: float | None = None, floor: float | None = None, goal: float | None = None,
         smaller_is_better: bool = False) -> bool:  # fmt: skip
    """Print one figure, and say whether it keeps its floor."""
    judged = ratio if ratio is not None else value
    kept = floor is None or (judged <= floor if smaller_is_better else judged >= floor)
    parts = [f"{name} {value:.4g} {unit}"]
    parts += [f"limit={limit:.6g}"] if limit is not None else []
    parts += [f"ratio={ratio:.3f}"] if ratio is not None else []
    sign = "<=" if smaller_is_better else ">="
    parts += [f"target={sign}{floor:g}{f' (goal {goal:g})' if goal is not None else ''}"] if floor is not None else []
    print(" ".join(parts) + ("" if kept else "  BELOW ITS FLOOR"), flush=True)
    return kept


def middle(values: list[float]) -> float:
    """The median."""
    return float(median(values))


def percentile(values: list[float], part: float) -> float:
    """The value below which this part of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
