"""The application's writes played against a real table: histories of one session, and several sessions at once."""
