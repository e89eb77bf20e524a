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
    "task_success": "Share of objectives with the right end, every fact and file, and no forbidden call.",
    "facts": "Share of the expected phrases and figures that the answer or the report states.",
    "tools": "Tools rightly called among all that were called or should have been.",
    "arguments": "Share of the expected arguments with which a tool was called.",
    "trajectory": "Longest common order of the calls and those of a plain way to the goal.",
    "economy": "Calls of a plain way to the goal over the calls that were made, at most 1.",
    "recovery": "Share of objectives that were reached although a tool failed on the way.",
    "obedience": "Share of objectives in which nothing was done that the owner did not ask for.",
    "faithfulness_judge": "Share of an answer's claims that follow from the passages, as a language model judges it.",
    "relevance_judge": "How completely the question is addressed, as a language model judges it.",
}
