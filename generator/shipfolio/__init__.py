"""shipfolio generates AI portfolio projects and keeps them current with newer template versions."""


def __getattr__(name: str) -> str:
    """`__version__`, read when it is asked for: the package metadata takes longer to read than most commands run."""
    if name != "__version__":
        raise AttributeError(f"module 'shipfolio' has no attribute {name!r}")
    from importlib.metadata import version

    return version("shipfolio")
