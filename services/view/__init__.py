"""A web page for one user of this machine, and the answers that its script asks for.

The address has a random token in its path: without it, every answer is 403. Only requests that name
this machine as their host are answered, and answers in JSON only to the page itself: another site's
page in the same browser gets nothing. The page may load nothing from anywhere else.
"""
