"""The e-mails that accounts and organisations send; each says what to do when it came by mistake."""

from app.mail import Mail

MISTAKE = "If it was not you who asked for this, nothing has changed and you need to do nothing."


class Letters:
    """Writes e-mails whose links lead to the service at `base_url`, never to an address that a request named."""

    def __init__(self, product: str, base_url: str) -> None:
        self._product = product
        self._base_url = base_url

    def verify(self, email: str, secret: str) -> Mail:
        """The link that proves a new account's address."""
        return self._letter(
            email, "Confirm your e-mail address", f"Confirm your address:\n\n{self._link('verify', secret)}", MISTAKE
        )

    def known(self, email: str) -> Mail:
        """Somebody signed up with an address that has an account."""
        way = f"Log in, or set a new password:\n\n{self._base_url}/login\n{self._base_url}/forgotten"
        return self._letter(email, "You already have an account", way, MISTAKE)

    def reset(self, email: str, secret: str) -> Mail:
        """The link that sets a new password."""
        return self._letter(
            email, "Set a new password", f"Set a new password:\n\n{self._link('reset', secret)}", MISTAKE
        )

    def changed(self, email: str) -> Mail:
        """The password was changed."""
        way = f"Your password was changed, and every other session has ended.\n\n{self._base_url}/forgotten"
        return self._letter(email, "Your password was changed", way, "If it was not you, set a new one at once.")

    def invitation(self, email: str, organisation: str, secret: str) -> Mail:
        """The link that makes a member; the organisation's name is its owner's text, so it stays out of the subject."""
        way = f"You are invited to join {organisation}:\n\n{self._link('invitation', secret)}"
        return self._letter(email, "You are invited", way, "If you do not know them, you need to do nothing.")

    def _link(self, page: str, secret: str) -> str:
        return f"{self._base_url}/{page}?token={secret}"

    def _letter(self, email: str, subject: str, way: str, ending: str) -> Mail:
        return Mail(email, f"{self._product}: {subject}", f"Hello,\n\n{way}\n\n{ending}\n\n{self._product}\n")
