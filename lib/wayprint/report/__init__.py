"""Gold tables -> figures -> one offline HTML."""
