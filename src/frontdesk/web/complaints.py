"""What is wrong with a field, in words for whoever filled it in."""

from collections.abc import Mapping
from typing import Any


def complaint(problem: Mapping[str, Any]) -> str:
    """One of pydantic's errors as a sentence that says what to do."""
    context = problem.get("ctx") or {}
    match problem["type"]:
        case "missing" | "string_type":
            return "Fill this in."
        case "string_too_short":
            return "Fill this in." if not problem["input"] else f"Use at least {context['min_length']:,} characters. This has {len(problem['input']):,}."
        case "string_too_long":
            return f"Use at most {context['max_length']:,} characters. This has {len(problem['input']):,}."
        case "int_parsing" | "int_type" | "int_from_float":
            return "Use a whole number."
        case "greater_than_equal":
            return f"Use {context['ge']:,} or more."
        case "less_than_equal":
            return f"Use {context['le']:,} or less."
        case "literal_error" | "enum":
            return "Choose one of the list."
        case "uuid_parsing" | "uuid_type":
            return "This does not exist any more. Load the page again."
        case "value_error":
            return _ours(str(problem["msg"]))
        case _:
            return f"{problem['msg']}."


def _ours(message: str) -> str:
    if "email" in message.lower():
        return "This is not an email address."
    return message.removeprefix("Value error, ")
