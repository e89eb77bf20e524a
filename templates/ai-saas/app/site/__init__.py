"""The product's pages: what people see in a browser, rendered by the server from the rooms behind the calls at /v1."""
