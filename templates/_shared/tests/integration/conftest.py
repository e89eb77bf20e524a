"""Contract modules hold no `test_` in their names, so pytest has to be told to explain their failed assertions."""

import pytest

for contract in ("search_index", "catalog", "job_queue"):
    pytest.register_assert_rewrite(f"tests.integration.{contract}_contract")
