"""`srt view`: a path becomes a page, served on this machine or written into one file.

`opening` finds what a path or an address on the Hub names; `answers` answers what the page's script
asks; `page` puts the page together, whose parts are in `page/`.
"""
