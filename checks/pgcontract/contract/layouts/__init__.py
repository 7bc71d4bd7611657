"""Folders of migrations, one file a layout."""
