"""The legal assistant as a product: what it offers, how it reads contracts, and its pages."""

from app.ingestion.office import parse_office
from app.ingestion.pdf import parse_pdf
from app.ingestion.sections import parse_text
from app.legal.clauses import reading_clauses
from app.legal.reports import DISCLAIMER
from app.legal.routes import router
from app.legal.tools import TOOLS
from app.workspace.flavour import Flavour, Offer

FLAVOUR = Flavour(
    name="legal",
    title="Contracts that answer back",
    tagline="Ask your contracts, compare two versions clause by clause, and see what a careful reader would mark.",
    offers=(
        Offer("Answers with the clause", "Each sentence of an answer names the contract and the clause it rests on."),
        Offer("Two versions, one view", "Clauses that came, went or changed, down to the words and the numbers."),
        Offer("A risk list with reasons", "Written rules mark a sentence, say why it matters and what to ask for."),
        Offer(
            "Your contracts stay yours", "Each organisation has its own library; nothing is shared, all is deletable."
        ),
    ),
    questions=(
        "How quickly must the hosting provider answer when the shop is down?",
        "Can we get out of the warehouse lease early?",
        "Which cap on liability is our standard?",
    ),
    prompt="legal-answer",
    router=router,
    tools=TOOLS,
    notice=DISCLAIMER,
    readers={
        ".docx": reading_clauses(parse_office),
        ".pdf": reading_clauses(parse_pdf),
        ".txt": reading_clauses(parse_text),
    },
)
