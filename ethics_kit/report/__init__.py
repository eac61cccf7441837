"""What people read: figures, the record's page, the portfolio's page."""
