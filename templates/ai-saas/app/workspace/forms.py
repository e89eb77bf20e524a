"""Forms of pages, checked by the same models as the calls of the API."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from app.errors import InvalidInput

Model = TypeVar("Model", bound=BaseModel)


def read_form_as(model: type[Model], form: Mapping[str, str]) -> Model:
    """The fields of a form that `model` knows; others, such as the CSRF token, are left.

    Raises:
        InvalidInput: a field does not fit; the message names it.
    """
    known = {name: value.strip() for name, value in form.items() if name in model.model_fields}
    try:
        return model.model_validate(known)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InvalidInput(f"The form does not fit: {problems}.", "Correct it and send it again.") from None
