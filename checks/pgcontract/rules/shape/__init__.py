"""What is there after a migration, against what is declared."""
