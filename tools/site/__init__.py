"""The site's Sphinx extension: `bookpages` says when what is done, the other modules do it."""
