"""Run the command line without the console script: `python -m shipfolio`."""

from shipfolio.cli import main

if __name__ == "__main__":
    main()
