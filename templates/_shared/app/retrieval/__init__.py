"""Finding passages for a question and weighing whether they are evidence enough."""
