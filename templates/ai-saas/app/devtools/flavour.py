"""The developers' assistant as a product: what it offers, which files it reads as code, and its pages."""

from app.devtools.code import parse_code
from app.devtools.python_code import parse_python
from app.devtools.routes import router
from app.devtools.tools import TOOLS
from app.workspace.flavour import Flavour, Offer

LANGUAGES = (
    ".c .cfg .cpp .cs .css .go .h .hpp .ini .java .js .jsx .kt .mjs .php .proto .rb .rs .sh .sql .swift .tf .toml "
    ".ts .tsx .yaml .yml"
).split()

FLAVOUR = Flavour(
    name="devtools",
    title="Ask the code base",
    tagline="Search a repository by what its code does, see how it hangs together, and ask its documentation.",
    offers=(
        Offer("Search by meaning", "Functions, classes and pages are found by what they do, with file and lines."),
        Offer("Architecture with proofs", "Layers, circles and starting points, each with the import that proves it."),
        Offer("Answers from the documents", "Each sentence of an answer names the file and the section it is from."),
        Offer(
            "Code is read, never run", "Archives are unpacked in memory; nothing is executed, imported or installed."
        ),
    ),
    questions=(
        "How often is a failed message sent again?",
        "Which setting names the database file?",
        "What happens when a gauge sends nothing?",
    ),
    prompt="devtools-answer",
    router=router,
    tools=TOOLS,
    readers={".py": parse_python, **dict.fromkeys(LANGUAGES, parse_code)},
)
