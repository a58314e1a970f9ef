"""The site's Sphinx extension: `bookpages` connects to Sphinx, the other modules do the work."""
