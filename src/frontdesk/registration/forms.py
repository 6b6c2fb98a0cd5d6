"""What a stranger sends to become a user."""

from pydantic import BaseModel, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from frontdesk import users


class RegistrationForm(BaseModel):
    """The registration. The password comes last, so that it can be held against the rest."""

    organization_name: users.Name
    name: users.Name
    email: users.Email
    password: str

    @field_validator("password")
    @classmethod
    def not_among_the_first_guesses(cls, value: str, info: ValidationInfo) -> str:
        """Refuse what attackers try first."""
        why = users.weakness(value, about=info.data.values())
        if why:
            raise PydanticCustomError("weak_password", "{why}", {"why": why.rstrip(".")})
        return value
