"""The settings that only this project has: none in this version."""

from pydantic_settings import BaseSettings


class ProductSettings(BaseSettings):
    """This project's groups; `app.settings` puts the shared ones beside them."""
