"""Persons who share no identifier, linked by what is alike, in a tier of their own."""
