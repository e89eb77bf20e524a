"""Three short documents for the drills and questions that they answer; none of your own documents is needed."""

DOCUMENTS = {
    "opening-hours.md": "# Opening hours\n\nThe workshop opens at eight on weekdays and at ten on Saturdays.\n",
    "tool-loans.md": "# Tool loans\n\nMembers may borrow a cordless drill for three days. A late return costs two.\n",
    "first-aid.md": "# First aid\n\nThe first aid box hangs beside the door of the paint room.\n",
}
QUESTIONS = (
    "When does the workshop open on weekdays?",
    "How many days may members borrow a cordless drill?",
    "Where does the first aid box hang?",
)
