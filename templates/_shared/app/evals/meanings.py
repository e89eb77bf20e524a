"""What each metric says, in one sentence for the reader of a page or a table. All lie between 0 and 1; 1 is best."""

MEANINGS = {
    "hit@k": "Share of questions with a right document among the retrieved passages.",
    "recall@k": "Share of the right documents that were retrieved; differs from hit@k where an answer needs two.",
    "mrr": "One over the rank of the first right document, on average.",
    "precision@k": "Share of the retrieved passages that come from a right document.",
    "citation_accuracy": "Share of an answer's citations that point to a right document.",
    "key_phrases": "Share of the phrases a right answer states that the answer or its quotes contain.",
    "refusal_correct": "Share of questions rightly answered, or rightly refused.",
    "faithfulness_words": "Share of an answer's words and numbers that its cited passages contain. Blind to meaning.",
    "faithfulness_judge": "Share of an answer's claims that follow from the passages, as a language model judges it.",
    "relevance_judge": "How completely the question is addressed, as a language model judges it.",
}
