"""Language models and embeddings: providers behind one interface, and offline ones that need no key."""
