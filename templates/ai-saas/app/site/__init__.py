"""The product's pages: what people see in a browser, rendered by the server from the same rooms as the calls below /v1."""
