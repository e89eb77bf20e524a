"""Changes of the service's own tables, one file each in `versions/`."""

import logging

logging.getLogger("alembic").setLevel(logging.WARNING)  # it greets whenever it is loaded
