"""Who is likely to buy: examples, models, honest evaluation, scores."""
