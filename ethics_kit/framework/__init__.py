"""The framework as data: requirements, questionnaires, obligations, levels, risks and tables in YAML."""
