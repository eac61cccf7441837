"""Assessments without a person: one system and stage at a time, or a portfolio of them."""
