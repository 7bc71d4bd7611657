"""What columns accept, against what they are meant to hold."""
