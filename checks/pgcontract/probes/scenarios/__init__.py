"""The application's writes executed against a real table: histories of one session, and several sessions at once."""
