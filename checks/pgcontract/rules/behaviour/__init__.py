"""What the database does when it is written to, against what is declared."""
