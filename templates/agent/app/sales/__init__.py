"""The sample sales database: eighteen months of a wholesaler of coffee equipment."""
