"""Pure values: what a verification found, and the Run that every report is made from."""
