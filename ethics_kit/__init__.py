"""Ethics Kit: assesses the AI used in customer success, and leaves records that anyone can check."""
