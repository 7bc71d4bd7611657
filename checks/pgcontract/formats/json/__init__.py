"""JSON as a text: read strictly, and made with everything that readers get wrong."""
