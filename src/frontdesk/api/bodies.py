"""What a body may be: the fields that are known, and texts that can be kept."""

from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator

from frontdesk.api.paging import without_nul


class Body(BaseModel):
    """What a program sends. A field that is not known is refused: it was meant to do something."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @field_validator("*", mode="after")
    @classmethod
    def keepable(cls, value: Any) -> Any:
        """Refuse the one character that nothing keeps, in texts and in lists of them."""
        for text in value if isinstance(value, list | tuple) else (value,):
            if isinstance(text, str):
                without_nul(text)
        return value
